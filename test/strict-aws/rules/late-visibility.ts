import { kinds, type Kind } from "../kinds.ts";
import { refuse, withXml, xmlOf, type Reply } from "../reply.ts";
import { listOf, type AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { changeAt, elementAt, textAt, type Element } from "../xml.ts";

export interface LateVisibility {
  /** How many reads don't show a new thing yet, each counted by itself. */
  readonly reads: number;
  /** How many other calls that name it are told that it isn't there; a read that shows it counts as one of them. */
  readonly uses: number;
}

interface Young {
  readonly kind: Kind;
  reads: number;
  uses: number;
}

/** EC2 and IAM answer from many places, and what was made a moment ago reaches some of them late. */
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
      // Made again by the same token, it is not new.
      if (id !== "" && !young.has(id)) young.set(id, { kind: made, ...settings });
      return reply;
    }
    return hideYoung({ request, reply, young });
  };
}

const isCall = (request: AwsRequest, service: string, operation: string): boolean =>
  request.service === service && request.operation === operation;

/** Whether the call works on it, rather than asking for it. */
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

/** A read that doesn't show it brings the first that does nearer; from then on, each makes it better known. */
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
