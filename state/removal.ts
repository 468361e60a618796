import { leaseKey } from "./lease.ts";
import type { ObjectStore } from "./object-store.ts";
import { stateKey } from "./store.ts";

/** Takes the state document and a lease that nobody keeps alive away: the last step of a teardown. */
export async function removeState(store: ObjectStore): Promise<void> {
  for (const key of [stateKey, leaseKey]) {
    const found = await store.get(key);
    if (found !== undefined) await store.remove(key, found.etag);
  }
}
