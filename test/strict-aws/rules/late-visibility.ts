import { kinds, type Kind } from "../kinds.ts";
import { refuse, withXml, xmlOf, type Reply } from "../reply.ts";
import { listOf, type AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { changeAt, elementAt, textAt, type Element } from "../xml.ts";

export interface LateVisibility {
  /** How many reads don't show a new resource yet, counted for each resource. */
  readonly reads: number;
  /** How many other calls that name the resource fail as if it didn't exist. A read that shows it counts as one of them. */
  readonly uses: number;
}

interface Young {
  readonly kind: Kind;
  reads: number;
  uses: number;
}

/** EC2 and IAM are eventually consistent: a new resource is not visible everywhere at once. */
export function lateVisibility(settings: LateVisibility): Rule {
  const young = new Map<string, Young>();
  return async (request, next) => {
    const used = [...young].find(([id, one]) => one.uses > 0 && isUse(request, id, one.kind));
    if (used !== undefined) {
      used[1].uses -= 1;
      return missing(request, used[1].kind, used[0]);
    }
    const reply = await next(request);
    const made = kinds.find(({ service, create }) => isCall(request, service, create));
    if (made !== undefined) {
      const id = textAt(xmlOf(reply), made.made);
      // A resource that is returned again for the same token isn't new.
      if (id !== "" && !young.has(id)) young.set(id, { kind: made, ...settings });
      return reply;
    }
    return hideYoung({ request, reply, young });
  };
}

const isCall = (request: AwsRequest, service: string, operation: string): boolean =>
  request.service === service && request.operation === operation;

/** Whether the call uses the resource, rather than reading it. */
function isUse({ service, operation, fields }: AwsRequest, id: string, kind: Kind): boolean {
  if (service !== kind.service || operation in kind.shownBy || operation === kind.create) return false;
  return [...fields].some(([key, value]) => value === id && !/^(Filter|TagSpecification|Tags)\./.test(key));
}

interface Reading {
  readonly request: AwsRequest;
  readonly reply: Reply;
  readonly young: ReadonlyMap<string, Young>;
}

function hideYoung({ request, reply, young }: Reading): Reply {
  const kind = kinds.find(
    ({ service, shownBy }) => service === request.service && request.operation in shownBy,
  );
  const root = xmlOf(reply);
  if (kind === undefined || root === undefined) return reply;
  const path = kind.shownBy[request.operation] ?? "";
  const asked = listOf(request, kind.parameter);
  const shown = path === "" ? asked : idsOf(root, path, kind);
  const hidden = shown.filter((id) => (young.get(id)?.reads ?? 0) > 0);
  for (const id of shown) age(young, id);
  const named = hidden.find((id) => asked.includes(id));
  if (named !== undefined) return missing(request, kind, named);
  if (hidden.length === 0) return reply;
  const keep = (item: Element) => !hidden.includes(textAt(item, kind.id));
  return withXml(
    reply,
    changeAt(root, path, (list) => ({ ...list, children: list.children.filter(keep) })),
  );
}

function idsOf(root: Element, path: string, kind: Kind): string[] {
  return (elementAt(root, path)?.children ?? []).map((item) => textAt(item, kind.id));
}

/**
 * Counts a read of the resource. Before the resource is visible, one hidden read less remains; afterwards, one failing
 * use less.
 */
function age(young: ReadonlyMap<string, Young>, id: string): void {
  const one = young.get(id);
  if (one === undefined) return;
  if (one.reads > 0) one.reads -= 1;
  else one.uses = Math.max(0, one.uses - 1);
}

function missing(request: AwsRequest, kind: Kind, id: string): Reply {
  return kind.service === "iam"
    ? refuse(request, {
        status: 404,
        code: kind.missing,
        message: `The entity with name ${id} cannot be found.`,
      })
    : refuse(request, { status: 400, code: kind.missing, message: `The ID '${id}' does not exist` });
}
