import type { Table } from "../resolved-file.ts";
import type { Findings } from "./findings.ts";
import type { BuiltImages } from "./images.ts";
import type { BindMounts } from "./service-mounts.ts";

export interface Surroundings {
  readonly service: string;
  readonly table: Table;
  /** The names of all services in the file. */
  readonly services: ReadonlySet<string>;
  readonly images: BuiltImages;
  readonly mounts: BindMounts;
  readonly findings: Findings;
}

/** Turns a key's value into its value in the copy. Undefined leaves the key out. */
export type Rule = (value: unknown, around: Surroundings, key: string) => unknown;

export const refuseIf =
  (isBad: (value: unknown) => boolean, reason: string, advice = "take it out"): Rule =>
  (value, { service, findings }, key) => {
    if (!isBad(value)) return value;
    findings.refuse(`services.${service}.${key}`, reason, advice);
    return undefined;
  };

export const isSomething = (value: unknown): boolean =>
  value !== false && value !== null && (typeof value !== "object" || Object.keys(value).length > 0);
