import {
  DeleteParameterCommand,
  ListTagsForResourceCommand,
  paginateDescribeParameters,
  type ParameterStringFilter,
  PutParameterCommand,
} from "@aws-sdk/client-ssm";
import { isAlreadyExists } from "../../aws/errors.ts";
import { fromTagList, resourceTags, toTagList } from "../../aws/tags.ts";
import type { Observed, ReadContext, Resource, WriteContext } from "../../contract/resource.ts";
import { stackTag } from "../../owner.ts";
import { toListed } from "../../toolkit/ownership.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";

const kind = "parameter";

/**
 * Parameters of SSM that `berth secret set` made. `up` never makes or changes one, so only a teardown declares the kind. A
 * parameter that was there before doesn't carry the stack's tag, so a teardown leaves it.
 */
export const parameter: Resource<undefined, Observed> = {
  kind,

  find: async (ctx, _identity, known) =>
    known === undefined ? undefined : (await describe(ctx, byName(known))).at(0),

  create: () => Promise.reject(new TypeError("only secret set makes a parameter")),
  differences: () => [],
  update: () => Promise.resolve(),

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `parameter ${id}`,
      attempt: () => ctx.clients.ssm.send(new DeleteParameterCommand({ Name: id })),
      listed: async () => (await describe(ctx, byName(id))).length > 0,
    }),

  list: async (ctx, stack) =>
    toListed(kind, stack, await describe(ctx, { Key: `tag:${stackTag}`, Option: "Equals", Values: [stack] })),
};

export interface NewValue {
  readonly stack: string;
  /** The variable of `app.secrets`. */
  readonly variable: string;
  readonly parameterName: string;
  readonly value: string;
  readonly userTags: Readonly<Record<string, string>>;
}

/** Returns the version. Makes the parameter if there is none, with the stack's tags: only then does it end with the stack. */
export async function setParameter(
  ctx: WriteContext,
  asked: NewValue,
): Promise<{ version: number; isNew: boolean }> {
  const { stack, variable, parameterName, value, userTags } = asked;
  // The logical names of resources are in lower case.
  const name = `secret-${variable.toLowerCase().replaceAll("_", "-")}`.slice(0, 63);
  const Tags = toTagList(resourceTags({ stack, name, generation: 1 }, userTags));
  const input = { Name: parameterName, Value: value };
  try {
    // AWS takes tags only where nothing is overwritten.
    const made = await ctx.clients.ssm.send(
      new PutParameterCommand({ ...input, Type: "SecureString", Tags }),
    );
    return { version: made.Version ?? 1, isNew: true };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  // Its type and key stay as they are.
  const { Version } = await ctx.clients.ssm.send(new PutParameterCommand({ ...input, Overwrite: true }));
  return { version: Version ?? 1, isNew: false };
}

const byName = (name: string): ParameterStringFilter => ({ Key: "Name", Option: "Equals", Values: [name] });

/** Names and tags. No call here reads a value. */
async function describe(ctx: ReadContext, filter: ParameterStringFilter): Promise<Observed[]> {
  const { ssm } = ctx.clients;
  const pages = paginateDescribeParameters({ client: ssm }, { ParameterFilters: [filter] });
  const found = await collect(pages, ({ Parameters = [] }) => Parameters);
  return Promise.all(
    found.map(async ({ Name = "" }) => {
      const asked = new ListTagsForResourceCommand({ ResourceType: "Parameter", ResourceId: Name });
      return { id: Name, tags: fromTagList((await ssm.send(asked)).TagList) };
    }),
  );
}
