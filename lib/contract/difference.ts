import type { Difference } from "./resource.ts";

type Value = string | number | boolean | undefined;

interface Field {
  readonly desired: Value;
  readonly observed: Value;
  /** Why AWS can't change the field in place. If set, the difference requires a replacement. */
  readonly replace?: string;
}

/** The field's difference as a list; empty if both values are equal. A value that AWS doesn't have is shown as `none`. */
export function fieldDifference(field: string, { desired, observed, replace }: Field): Difference[] {
  if (desired === observed) return [];
  const shown = { field, desired: String(desired ?? "none"), observed: String(observed ?? "none") };
  return [
    replace === undefined ? { ...shown, action: "update" } : { ...shown, action: "replace", reason: replace },
  ];
}

/** Whether one of the differences is about the field or a part of it: `tags` matches `tags.Team`. */
export function concerns(differences: readonly Difference[], field: string): boolean {
  return differences.some(
    (one) => one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`),
  );
}
