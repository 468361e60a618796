import { type Alias, type Document, isAlias, type Node, visit } from "yaml";

/**
 * Finds what each alias stands for: the last node before it that has its anchor. The YAML library searches the whole
 * document for each alias, which takes minutes where there are many.
 */
export function findAliases(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (target !== undefined) aliases.set(node, target);
    },
  });
  return aliases;
}
