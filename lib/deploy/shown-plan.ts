import { findAccountAlias } from "../aws/account-alias.ts";
import type { Session } from "../command/session.ts";
import { isPending } from "../engine/plan.ts";
import type { PlanHead, ShownPlan } from "../report/shown-plan.ts";
import { ruleKey } from "../resources/network/security-rule.ts";
import { estimateCost } from "./cost.ts";
import type { Reading } from "./reading.ts";
import { findWarnings } from "./warnings.ts";

/** Shows the plan with everything that a user should know before they agree. */
export async function showPlan(session: Session, reading: Reading, asData: boolean): Promise<ShownPlan> {
  const [head, warnings] = await Promise.all([
    describeHead(session, reading),
    findWarnings(session, reading),
  ]);
  const shown = { ...reading.plan, head, warnings };
  session.report.plan(shown, asData);
  return shown;
}

async function describeHead(session: Session, reading: Reading): Promise<PlanHead> {
  const { config, ctx, caller, names, endpoints } = session;
  const { stack, region, instance, ingress } = config;
  const { plan, offers, source, workTree } = reading;
  // Only to print it: a run that changes nothing doesn't ask.
  const accountAlias = isPending(plan) ? await findAccountAlias(ctx.clients) : undefined;
  const rules = ingress.flatMap(({ port, protocol, from }) =>
    from.map((cidr) => ruleKey({ port, protocol, cidr })),
  );
  return {
    account: ctx.account,
    ...(accountAlias === undefined ? {} : { accountAlias }),
    isLocal: endpoints !== undefined,
    caller,
    region,
    stack,
    instanceType: instance.type,
    diskGib: instance.diskGib,
    machineImage: `${instance.os} (${offers.machineImage.imageId})`,
    ingress: rules,
    image: `${names.repository}:${source.tag}`,
    ...(workTree === undefined ? {} : { commit: workTree.commit, uncommitted: workTree.changed }),
    cost: estimateCost(config, reading.freeTierEligible),
  };
}
