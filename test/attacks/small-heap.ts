/** What is started meanwhile has a heap that is enough for a command, and not for what an attacker would have it read. */
export async function withSmallHeap<T>(work: () => Promise<T>): Promise<T> {
  process.env["NODE_OPTIONS"] = "--max-old-space-size=96";
  try {
    return await work();
  } finally {
    delete process.env["NODE_OPTIONS"];
  }
}
