import type { ObjectStore } from "./object-store.ts";
import { stateKey } from "./store.ts";

/** Removes the state document: the last step of a teardown, done under the lease. */
export async function removeState(store: ObjectStore): Promise<void> {
  const found = await store.get(stateKey);
  if (found !== undefined) await store.remove(stateKey, found.etag);
}
