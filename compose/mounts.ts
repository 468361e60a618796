import { asList, asTable, asText, type Table } from "./resolved-file.ts";

/** One line under `volumes:` of a service, in the same shape whichever way it was written. */
export interface Mount {
  readonly type: string;
  readonly source: string | undefined;
  readonly target: string;
  readonly readOnly: boolean;
  /** Asks the engine to change the SELinux labels of what is mounted. */
  readonly relabels: boolean;
  readonly nocopy: boolean;
  /** As written in the long form, for what is left as it is. */
  readonly table: Table;
}

export const readMounts = (service: Table): readonly Mount[] => asList(service["volumes"]).map(readMount);

/** True if what is mounted can be changed through the mount. */
export const isWritable = ({ readOnly, relabels }: Mount): boolean => !readOnly || relabels;

function readMount(entry: unknown): Mount {
  return typeof entry === "string" ? readShort(entry) : readLong(asTable(entry));
}

// Version 1 leaves the short form as it is: SOURCE:TARGET:OPTIONS, or TARGET alone.
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
