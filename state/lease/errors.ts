import { BerthError, exitCodes } from "../../lib/errors.ts";
import { defaultTtlMs, type LeaseRecord } from "./record.ts";

export function leaseHeld(holder: LeaseRecord | undefined, ageMs: number, location: string): BerthError {
  const who = holder ? `${holder.holder}@${holder.host} (process ${holder.process})` : "an unknown holder";
  const what = holder ? `, running "${holder.operation}" since ${holder.since}` : "";
  return new BerthError({
    code: "LeaseHeld",
    message: `${location} is held by ${who}${what}; last heartbeat ${Math.round(ageMs / 1000)} s ago`,
    hint: `run again when it is done, or wait for it with --wait; a holder that died is taken over ${Math.round((holder?.ttlMs ?? defaultTtlMs) / 1000)} s after its last heartbeat`,
    exitCode: exitCodes.leaseHeld,
  });
}

/** The store refuses a new lease because there is one, but doesn't show it. */
export function leaseUnseen(location: string): BerthError {
  return new BerthError({
    code: "LeaseHeld",
    message: `${location} is held by somebody, but doesn't show by whom: S3 may hide new objects for some minutes after versioning was switched on`,
    hint: "run the same command again in a minute, or wait with --wait",
    exitCode: exitCodes.leaseHeld,
  });
}

export function storeGone(location: string): BerthError {
  return new BerthError({
    code: "StoreGone",
    message: `${location} is gone, so nobody can take its lease: most likely another run has just removed it`,
    hint: "look at what is there (plan), then run the same command again",
    exitCode: exitCodes.leaseHeld,
  });
}

export function leaseLost(location: string): BerthError {
  return new BerthError({
    code: "LeaseLost",
    message: `the lease on ${location} was taken over by somebody else; nothing more is changed`,
    hint: "look at what the other run does (status), then run the same command again",
    exitCode: exitCodes.leaseHeld,
  });
}
