/** One action that a caller wants to take: `s3:GetObject` on an ARN, or on `*` where the service has no ARNs. */
export interface Wanted {
  readonly action: string;
  readonly resource: string;
  /** What conditions can ask for: `cloudwatch:namespace`, for example. */
  readonly context?: Readonly<Record<string, string>>;
}

/**
 * Pure. Whether a role with these policies may take the action: a statement must allow it, and none may deny it.
 * Of conditions, only StringEquals about the call's own context is understood. With any other, an Allow allows nothing, and a
 * Deny always denies.
 */
export function isAllowed(documents: readonly unknown[], wanted: Wanted): boolean {
  const matching = documents.flatMap(statementsOf).filter((statement) => covers(statement, wanted));
  if (matching.some(({ Effect }) => Effect === "Deny")) return false;
  return matching.some(({ Effect, Condition }) => Effect === "Allow" && isMet(Condition, wanted));
}

function isMet(condition: unknown, { context = {} }: Wanted): boolean {
  if (condition === undefined) return true;
  if (!isRecord(condition) || Object.keys(condition).join() !== "StringEquals") return false;
  const { StringEquals: equals } = condition;
  const said = new Map(Object.entries(context));
  return isRecord(equals) && Object.entries(equals).every(([key, value]) => said.get(key) === value);
}

type Statement = Readonly<Record<string, unknown>>;

function statementsOf(document: unknown): Statement[] {
  if (!isRecord(document)) return [];
  const { Statement: statements } = document;
  return (Array.isArray(statements) ? statements : [statements]).filter((one) => isRecord(one));
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function covers(statement: Statement, { action, resource }: Wanted): boolean {
  const { Action, NotAction, Resource, NotResource } = statement;
  // Actions are case-insensitive, ARNs are case-sensitive.
  const isAction = (patterns: unknown) => matchesAny(patterns, action, "i");
  const isResource = (patterns: unknown) => matchesAny(patterns, resource, "");
  const coversAction =
    Action === undefined ? NotAction !== undefined && !isAction(NotAction) : isAction(Action);
  const coversResource =
    Resource === undefined ? NotResource !== undefined && !isResource(NotResource) : isResource(Resource);
  return coversAction && coversResource;
}

function matchesAny(patterns: unknown, value: string, flags: string): boolean {
  const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.some((pattern) => typeof pattern === "string" && toExpression(pattern, flags).test(value));
}

/** `*` matches any text, `?` any single character. */
function toExpression(pattern: string, flags: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, `s${flags}`);
}
