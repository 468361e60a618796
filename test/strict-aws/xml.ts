/** One element of an answer. AWS never mixes text and elements, apart from white space. */
export interface Element {
  readonly name: string;
  /** The attributes as written, with a leading space: ` xmlns="…"`. */
  readonly attributes: string;
  /** Text of an element without children. */
  readonly text: string;
  readonly children: readonly Element[];
}

const token =
  /<(?<close>\/)?(?<name>[A-Za-z][\w:.-]*)(?<attributes>[^<>]*?)(?<empty>\/)?>|<[?!][^>]*>|(?<text>[^<]+)/g;

/** Reads the XML that services answer with: elements and text. Undefined for anything that isn't one element. */
export function parseXml(source: string): Element | undefined {
  const top: Building = { name: "", attributes: "", text: "", children: [] };
  const open = [top];
  for (const { groups = {} } of source.matchAll(token)) {
    const parent = open.at(-1) ?? top;
    const { name, attributes = "", text } = groups;
    if (text !== undefined) parent.text += unescape(text);
    if (name === undefined) continue;
    if (groups["close"] !== undefined) {
      if (open.pop()?.name !== name) return undefined;
      continue;
    }
    const made = { name, attributes, text: "", children: [] };
    parent.children.push(made);
    if (groups["empty"] === undefined) open.push(made);
  }
  return open.length === 1 ? top.children[0] : undefined;
}

interface Building extends Element {
  text: string;
  children: Element[];
}

export function writeXml({ name, attributes, text, children }: Element): string {
  const inside = children.length > 0 ? children.map(writeXml).join("") : escape(text);
  return `<${name}${attributes}>${inside}</${name}>`;
}

export function element(name: string, inside: string | readonly Element[]): Element {
  const isText = typeof inside === "string";
  return { name, attributes: "", text: isText ? inside : "", children: isText ? [] : inside };
}

/** The first element at the path, such as `instancesSet/item/instanceId`. */
export function elementAt(from: Element | undefined, path: string): Element | undefined {
  const step = (at: Element | undefined, name: string) => at?.children.find((one) => one.name === name);
  return path.split("/").reduce(step, from);
}

export const textAt = (from: Element | undefined, path: string): string => elementAt(from, path)?.text ?? "";

/** A copy with the element at the path changed. Unchanged when there is no such element. */
export function changeAt(from: Element, path: string, change: (at: Element) => Element): Element {
  if (path === "") return change(from);
  const [name, ...rest] = path.split("/");
  return {
    ...from,
    children: from.children.map((one) => (one.name === name ? changeAt(one, rest.join("/"), change) : one)),
  };
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const named = new Map(Object.entries(entities).map(([name, character]) => [character, `&${name};`]));

function unescape(text: string): string {
  return text.replaceAll(/&(#x?)?(\w+);/g, (whole, kind: string | undefined, name: string) => {
    if (kind === undefined) return entities[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(name, kind === "#" ? 10 : 16));
  });
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => named.get(character) ?? character);
}
