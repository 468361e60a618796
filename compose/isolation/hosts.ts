import { asTable } from "../resolved-file.ts";
import { refuseIf } from "./rule.ts";

/** Refuses names for addresses other than the container's own. */
export const refuseForeignHosts = refuseIf(
  (value) => {
    const pairs = Array.isArray(value) ? value.map(String) : Object.values(asTable(value)).flat().map(String);
    return pairs.some((one) => !/(^|[:=])\[?(127\.[\d.]+|::1)\]?$/.test(one));
  },
  "it gives names to addresses outside of the project",
  "take them out, or let a service of the file stand in",
);
