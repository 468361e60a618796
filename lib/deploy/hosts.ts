import { newDocument } from "../../state/document.ts";
import { loadState } from "../../state/rescue.ts";
import type { Session } from "../command/session.ts";
import { observedOf } from "../engine/read.ts";
import { declareParts } from "../stack.ts";
import { readResources } from "./reading.ts";

/** The stack's hosts, for commands that change only what they serve. */
export interface Hosts {
  /** The ids of the instances. */
  readonly ids: readonly string[];
  /** The stack's Elastic IP, if it has one. */
  readonly address: string | undefined;
  /** The data volume, if there is one. */
  readonly dataVolume: string | undefined;
}

/** Looks for host, address and data volume by the state document, and by tags. Writes nothing. */
export async function readHosts(session: Session): Promise<Hosts> {
  const parts = declareParts({ config: session.config, account: session.ctx.account, zones: [] });
  const loaded = await loadState(session);
  const declarations = parts.declarations.filter(({ name }) =>
    [parts.instance.name, parts.address.name, parts.dataVolume?.name].includes(name),
  );
  const recorded = loaded?.document ?? newDocument(session.scope);
  const { observations } = await readResources(session, { declarations, recorded });
  const instance = observedOf(parts.instance, observations);
  return {
    ids: instance === undefined ? [] : [instance.id],
    address: observedOf(parts.address, observations)?.publicIp,
    dataVolume: observedOf(parts.dataVolume, observations)?.id,
  };
}
