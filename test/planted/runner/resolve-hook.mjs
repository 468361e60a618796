// Gives the tests test/planted/runner/node-test.ts in place of node:test, and what is imported by a URL with "?load=2" the same
// mark, so that Node loads it anew; packages are loaded once. Plain JavaScript: Node loads it into a thread of its own.
const standIn = new URL("node-test.ts", import.meta.url).href;

export async function resolve(specifier, context, next) {
  if (specifier === "node:test" && !context.parentURL?.startsWith(standIn))
    return { url: standIn, shortCircuit: true };
  const resolved = await next(specifier, context);
  const mark = /\?load=\d+$/.exec(context.parentURL ?? "")?.[0];
  const isOwn = resolved.url.startsWith("file:") && !resolved.url.includes("/node_modules/");
  return mark !== undefined && isOwn && !resolved.url.includes("?")
    ? { ...resolved, url: `${resolved.url}${mark}` }
    : resolved;
}
