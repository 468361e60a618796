import { asList, asTable, asText, type Table } from "./resolved-file.ts";

/** One entry under `volumes:` of a service, in one shape for all ways to write it. */
export interface Mount {
  readonly type: string;
  readonly source: string | undefined;
  readonly target: string;
  readonly readOnly: boolean;
  /** True when the engine is to change the SELinux labels of the mounted files. */
  readonly relabels: boolean;
  readonly nocopy: boolean;
  /** The entry in its long form, for mounts that stay unchanged. */
  readonly table: Table;
}

export const readMounts = (service: Table): readonly Mount[] => asList(service["volumes"]).map(readMount);

/** True if the mounted files can be changed through the mount. */
export const isWritable = ({ readOnly, relabels }: Mount): boolean => !readOnly || relabels;

function readMount(entry: unknown): Mount {
  return typeof entry === "string" ? readShort(entry) : readLong(asTable(entry));
}

// Version 1 keeps the short form: SOURCE:TARGET:OPTIONS, or TARGET alone.
function readShort(text: string): Mount {
  const [first = "", target, modes = ""] = text.split(":");
  const options = modes.split(",");
  const isPath = /^[/.~]/.test(first);
  const source = target === undefined ? undefined : first;
  const readOnly = options.includes("ro");
  return {
    type: source !== undefined && isPath ? "bind" : "volume",
    source,
    target: target ?? first,
    readOnly,
    relabels: options.some((one) => one.toLowerCase() === "z"),
    nocopy: options.includes("nocopy"),
    table: {},
  };
}

function readLong(table: Table): Mount {
  return {
    type: asText(table["type"]) ?? "volume",
    source: asText(table["source"]),
    target: asText(table["target"]) ?? "",
    readOnly: isTrue(table["read_only"]),
    relabels: asTable(table["bind"])["selinux"] !== undefined,
    nocopy: isTrue(asTable(table["volume"])["nocopy"]),
    table,
  };
}

export const isTrue = (value: unknown): boolean => value === true || value === "true";
