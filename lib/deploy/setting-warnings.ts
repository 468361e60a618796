import { edgePorts } from "../config/ingress.ts";
import type { Config } from "../config/load.ts";
import type { Plan } from "../engine/plan.ts";
import type { PlanWarning } from "../report/shown-plan.ts";

/** What the operating system, the engine, the edge and the agent need of a host's memory, rounded up. */
const ownMib = 250;

type Doors = Pick<Config, "ingress" | "https">;

interface Room {
  readonly type: string;
  readonly memoryMib: number;
}

/**
 * All replicas may use as much as they are allowed to, and a new release starts beside the old one. If that doesn't fit,
 * the kernel kills processes of the app or of the host, mostly during a switch. Undefined if it fits.
 */
export function findMemoryWarning(
  { replicas, memoryMib }: Pick<Config["app"], "replicas" | "memoryMib">,
  room: Room,
): PlanWarning | undefined {
  const once = replicas * memoryMib;
  const free = room.memoryMib - ownMib;
  if (2 * once <= free) return undefined;
  const needed = `${replicas} ${replicas === 1 ? "replica" : "replicas"} of ${memoryMib} MiB ${replicas === 1 ? "doesn't" : "don't"} fit`;
  const has = `${room.type} has ${room.memoryMib} MiB, and about ${ownMib} of them are the host's own`;
  const message =
    once > free
      ? `${needed}: ${has}`
      : `${needed} twice, as they must while a new release starts beside the old one: ${has}`;
  return {
    code: "memory-short",
    message,
    hint: "lower app.replicas or app.memoryMib, or set instance.type to a larger one",
  };
}

/** Nobody reaches an edge whose ports are all closed. Undefined if one is open. */
export function findClosedWarning({ ingress, ...config }: Doors): PlanWarning | undefined {
  const listening = edgePorts(config);
  if (ingress.some(({ protocol, port }) => protocol === "tcp" && listening.includes(port))) return undefined;
  return {
    code: "ingress-closed",
    message: `ingress opens no port that the edge listens on (${listening.join(", ")}), so nobody reaches the app`,
    hint: `add a rule with port ${listening[0]} to ingress`,
  };
}

/** An open port without a listener is a mistake, or a guess at what Berth offers. Undefined if there is none. */
export function findUnusedWarning({ ingress, ...config }: Doors): PlanWarning | undefined {
  const listening = edgePorts(config);
  const unused = ingress.filter(({ protocol, port }) => protocol !== "tcp" || !listening.includes(port));
  if (unused.length === 0) return undefined;
  const names = unused.map(({ protocol, port }) => `${protocol}/${port}`).join(", ");
  return {
    code: "ingress-unused",
    message: `ingress opens ${names}, where nothing listens: the edge listens on ${listening.join(", ")}, and a host has no SSH`,
    hint: `remove ${unused.length === 1 ? "that rule" : "those rules"} from ingress`,
  };
}

/** Undefined for an operating system that the tests boot. */
export function findUntestedWarning({ os }: Pick<Config["instance"], "os">): PlanWarning | undefined {
  if (os !== "amazon-linux-2023") return undefined;
  return {
    code: "untested-os",
    message: "Amazon Linux 2023 is untested: no boot of it has been seen yet",
    hint: "set instance.os to debian-13, which is tested",
  };
}

/** Amazon Linux packages no ACME client, so its hosts get no certificate and serve over HTTP. Undefined elsewhere. */
export function findNoCertificateWarning({
  instance,
  https,
}: Pick<Config, "https"> & { readonly instance: Pick<Config["instance"], "os"> }): PlanWarning | undefined {
  if (instance.os !== "amazon-linux-2023" || https === "off") return undefined;
  return {
    code: "https-without-client",
    message:
      "Amazon Linux 2023 has no package of an ACME client, so the host gets no certificate and serves over HTTP only",
    hint: "set instance.os to debian-13, or https to off, which opens no port 443 in vain",
  };
}

interface Eligible {
  readonly type: boolean;
  /** Undefined if it isn't known. */
  readonly image: boolean | undefined;
}

/**
 * An account on AWS's free plan can launch only what AWS marks as eligible. What runs was allowed to, so it counts only if
 * a host is to be launched. Undefined if nothing else is.
 */
export function findFreePlanWarning(
  { type, os }: Pick<Config["instance"], "type" | "os">,
  { steps, ...eligible }: Eligible & Pick<Plan, "steps">,
): PlanWarning | undefined {
  const isLaunch = ({ kind, action }: Plan["steps"][number]) =>
    kind === "instance" && (action === "create" || action === "replace");
  if (!steps.some(isLaunch)) return undefined;
  const unfit = [
    ...(eligible.type ? [] : [{ key: "instance.type", what: `the instance type ${type}` }]),
    ...(eligible.image === false ? [{ key: "instance.os", what: `the image of ${os}` }] : []),
  ];
  if (unfit.length === 0) return undefined;
  return {
    code: "not-on-free-plan",
    message: `an account on AWS's free plan can't launch ${unfit.map(({ what }) => what).join(" and ")}`,
    hint: `on a free plan, set another ${unfit.map(({ key }) => key).join(" and ")}; a paid plan has no such limit`,
  };
}
