import { BerthError } from "../../lib/errors.ts";
import { type Scope, parseDocument, type StateDocument } from "../document.ts";

/** A stored body for a person to inspect: the document, or why it isn't one. */
export interface Inspection {
  readonly document?: StateDocument;
  readonly problem?: BerthError;
  /** The serial, as far as it can be read. A document that replaces this one continues from it. */
  readonly serial: number;
}

/** Never throws, whatever the body contains. */
export function inspectBody(body: string, scope: Scope, location: string): Inspection {
  try {
    const document = parseDocument(body, scope, location);
    return { document, serial: document.serial };
  } catch (problem) {
    if (!(problem instanceof BerthError)) throw problem;
    return { problem, serial: readableSerial(body) };
  }
}

function readableSerial(body: string): number {
  const [, digits = "0"] = /"serial"\s*:\s*(\d{1,12})\b/.exec(body) ?? [];
  return Number(digits);
}
