/** A policy as IAM and S3 take it. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: readonly PolicyStatement[];
}

export type PolicyStatement = Readonly<Record<string, unknown>>;

/**
 * Reads a policy from percent-encoded JSON, as IAM mostly answers, or from plain JSON, as IAM and emulators sometimes
 * do. Undefined when the text is no policy.
 */
export function parsePolicy(text: string | undefined): PolicyDocument | undefined {
  if (text === undefined) return undefined;
  const parsed = parseJson(text);
  if (!isObject(parsed)) return undefined;
  const { Version: version, Statement: statement } = parsed;
  // AWS accepts a single statement without the array around it.
  const statements = (Array.isArray(statement) ? statement : [statement]).filter(isObject);
  return { ...(typeof version === "string" ? { Version: version } : {}), Statement: statements };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.trimStart().startsWith("%") ? decodeURIComponent(text) : text);
  } catch (error) {
    // A broken percent-encoding is a URIError.
    if (error instanceof SyntaxError || error instanceof URIError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is PolicyStatement {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether both policies allow and deny the same. The order of statements, actions, resources and values doesn't matter
 * to AWS.
 */
export function samePolicy(one: PolicyDocument | undefined, other: PolicyDocument | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return canonicalPolicy(one) === canonicalPolicy(other);
}

/** One text for all spellings of the same policy. */
function canonicalPolicy({ Version, Statement }: PolicyDocument): string {
  return JSON.stringify({ Version, Statement: sorted(Statement.map(canonicalStatement)) });
}

/** One text for all spellings of the same statement. The Sid is left out: it is a name and changes nothing. */
export function canonicalStatement(statement: PolicyStatement): string {
  const { Sid: _, ...meaning } = statement;
  return JSON.stringify(canonical(meaning));
}

function canonical(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    if (value.length === 1) return canonical(value[0], key);
    return sorted(value.map((one) => JSON.stringify(canonical(one, key))));
  }
  if (isObject(value)) {
    const keys = sorted(Object.keys(value));
    return Object.fromEntries(keys.map((name) => [name, canonical(value[name], name)]));
  }
  // AWS ignores the case of actions, and treats booleans in conditions as text.
  return key === "Action" || key === "NotAction" ? String(value).toLowerCase() : String(value);
}

const sorted = (texts: readonly string[]): string[] => texts.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
