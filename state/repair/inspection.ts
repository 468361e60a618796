import { BerthError } from "../../lib/errors.ts";
import { type Scope, parseDocument, type StateDocument } from "../document.ts";

/** A stored body for a person to look at: the document, or what keeps it from being one. */
export interface Inspection {
  readonly document?: StateDocument;
  readonly problem?: BerthError;
  /** As far as it can be told: a document that takes this one's place counts on from here. */
  readonly serial: number;
}

/** Never throws for what a body holds. */
export function inspectBody(body: string, scope: Scope, location: string): Inspection {
  try {
    const document = parseDocument(body, scope, location);
    return { document, serial: document.serial };
  } catch (problem) {
    if (!(problem instanceof BerthError)) throw problem;
    return { problem, serial: legibleSerial(body) };
  }
}

function legibleSerial(body: string): number {
  const [, digits = "0"] = /"serial"\s*:\s*(\d{1,12})\b/.exec(body) ?? [];
  return Number(digits);
}
