import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { bringUp, takeDown } from "../lifecycle.ts";
import { getOwn } from "../own-cluster.ts";
import { countInDatabase, viewPage } from "../page.ts";

/** The count survives when the containers are replaced and the volumes stay. */
export function persistenceChecks(roles: Roles): readonly Check[] {
  return [
    {
      between: `${roles.database} → its volume`,
      name: "the count survives down and up",
      disruptive: true,
      ownOnly: true,
      run: (cluster) => checkKept(cluster, roles),
    },
  ];
}

async function checkKept(cluster: Cluster, roles: Roles): Promise<string> {
  const before = await countInDatabase(cluster, roles);
  const own = getOwn(cluster);
  await takeDown(own);
  const left = await cluster.listContainers();
  if (left.length > 0) failCheck(`down left ${left.map(({ Name }) => Name).join(", ")}`);
  await bringUp(own);
  const kept = await countInDatabase(cluster, roles);
  if (kept !== before) failCheck(`${before} views before, ${kept} after`, { service: roles.database });
  const { count } = await viewPage(cluster, roles);
  if (count !== before + 1) failCheck(`the next view is number ${count} instead of ${before + 1}`);
  return `${before} views kept, the next is ${count}`;
}
