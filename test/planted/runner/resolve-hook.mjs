// Gives the tests test/planted/runner/node-test.ts in place of node:test. Plain JavaScript: Node loads it into a thread of its own.
const standIn = new URL("node-test.ts", import.meta.url).href;

export function resolve(specifier, context, next) {
  const isStandIn = context.parentURL?.startsWith(standIn) === true;
  if (specifier !== "node:test" || isStandIn) return next(specifier, context);
  return { url: standIn, shortCircuit: true };
}
