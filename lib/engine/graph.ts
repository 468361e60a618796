/** A node of the graph: its name, and the names of the nodes that must be done before it starts. */
export interface Node {
  readonly name: string;
  readonly needs: readonly string[];
}

export interface GraphOptions {
  /** How many nodes may run at once. AWS throttles clients that call too often. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` for each node as soon as all nodes it needs are done. After a failure or an abort, no new node is started;
 * running ones are left to finish, and then the first failure is thrown.
 */
export async function runGraph<T extends Node>(
  nodes: readonly T[],
  work: (node: T) => Promise<void>,
  { limit, signal }: GraphOptions,
): Promise<void> {
  const names = new Set(nodes.map(({ name }) => name));
  const waiting = new Set(nodes);
  const done = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const failures: unknown[] = [];

  const isReady = (node: T) => node.needs.every((name) => done.has(name) || !names.has(name));
  const begin = (node: T) => {
    waiting.delete(node);
    const ended = work(node)
      .then(
        () => void done.add(node.name),
        (error: unknown) => void failures.push(error),
      )
      .finally(() => running.delete(node.name));
    running.set(node.name, ended);
  };

  for (;;) {
    if (failures.length === 0 && !signal.aborted) {
      for (const node of waiting) if (running.size < limit && isReady(node)) begin(node);
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
  if (waiting.size > 0)
    throw new TypeError(`circular needs among ${[...waiting].map(({ name }) => name).join(", ")}`);
}
