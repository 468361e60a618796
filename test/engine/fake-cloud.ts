import {
  declare,
  type Declaration,
  type DeclarationOf,
  type DeclarationSpec,
} from "../../lib/engine/declaration.ts";
import { createClients } from "../../lib/aws/clients.ts";
import { ownershipTags } from "../../lib/owner.ts";
import {
  type Observed,
  type Identity,
  type Resource,
  toWriteContext,
  type WriteContext,
} from "../../lib/contract/resource.ts";

interface Thing extends Observed {
  readonly kind: string;
  readonly owner: string;
  readonly size: string;
  readonly link: string;
}

interface Wanted {
  readonly size: string;
  readonly link: string;
}

interface Options {
  /** Default: the name. */
  readonly kind?: string;
  /** Names of declarations that this one needs. */
  readonly needs?: string[];
  readonly size?: string;
  readonly link?: string;
}

/** A cloud that really stores what is created in it, and records each call. */
export class FakeCloud {
  readonly things = new Map<string, Thing>();
  readonly calls: string[] = [];
  /** The kind of each list call, in order. */
  readonly listed: string[] = [];
  /** Each read by a known id, with the number of calls before it. */
  readonly looks: { readonly id: string; readonly after: number }[] = [];
  /** Called after each effect, before the caller gets its answer: throw to lose the answer. */
  afterEffect: (call: string) => void = () => {};
  /** How many reads after each update still show the earlier state, or nothing. */
  late: { readonly looks: number; readonly shows: "before" | "nothing" } = { looks: 0, shows: "before" };
  readonly #stale = new Map<string, { left: number; readonly before: Thing }>();
  #ids = 0;

  readonly #declared = new Map<string, DeclarationOf<Thing>>();

  /** A declaration for a thing of this name. A different `size` needs an update, a different `link` a replacement. */
  declare(name: string, options: Options = {}): Declaration & DeclarationOf<Thing> {
    const declared = declare(this.spec(name, options));
    this.#declared.set(name, declared);
    return declared;
  }

  spec(name: string, options: Options = {}): DeclarationSpec<Wanted, Thing, unknown> {
    const { kind = name, size = "small", link } = options;
    const needs = (options.needs ?? []).map((one) => this.declared(one));
    return {
      name,
      resource: this.#resource(kind),
      needs,
      desired: (need) => ({ size, link: link ?? needs.map((one) => need(one).id).join(" ") }),
    };
  }

  declared(name: string): DeclarationOf<Thing> {
    const found = this.#declared.get(name);
    if (found === undefined) throw new TypeError(`There is no declaration ${name}`);
    return found;
  }

  /** Returns late results, as AWS does, which is eventually consistent. */
  #shown(thing: Thing | undefined): Thing | undefined {
    const stale = this.#stale.get(thing?.id ?? "");
    if (stale === undefined || stale.left === 0) return thing;
    stale.left -= 1;
    return this.late.shows === "before" ? stale.before : undefined;
  }

  #record(call: string): void {
    this.calls.push(call);
    this.afterEffect(call);
  }

  #resource(kind: string): Resource<Wanted, Thing> {
    const ownerOf = ({ stack, name, generation }: Identity) => `${stack}/${name}/${generation}`;
    return {
      kind,
      find: (_ctx, identity, known) => {
        if (known !== undefined) this.looks.push({ id: known, after: this.calls.length });
        const named = known === undefined ? undefined : this.things.get(known);
        const byId = named?.kind === kind ? named : undefined;
        const byOwner = [...this.things.values()].find(
          (thing) => thing.kind === kind && thing.owner === ownerOf(identity),
        );
        return Promise.resolve(this.#shown(byId ?? byOwner));
      },
      create: (_ctx, identity, { size, link }) => {
        const id = `${kind}-${(this.#ids += 1)}`;
        const tags = ownershipTags(identity);
        this.things.set(id, { id, kind, owner: ownerOf(identity), size: "unset", link, tags });
        this.#record(`create ${id} ${size}`);
        return Promise.resolve(id);
      },
      differences: (_identity, desired, found) => [
        ...difference("size", desired.size, found.size, "update"),
        ...difference("link", desired.link, found.link, "replace"),
      ],
      update: (_ctx, { desired, observed }) => {
        this.#stale.set(observed.id, { left: this.late.looks, before: observed });
        this.things.set(observed.id, { ...observed, size: desired.size });
        this.#record(`update ${observed.id}`);
        return Promise.resolve();
      },
      remove: ({ note, signal }, id) => {
        signal.throwIfAborted();
        // Like AWS, which has separate calls for each kind.
        if (this.things.get(id)?.kind !== kind) throw new TypeError(`${id} is no ${kind}`);
        note(`${id} goes`);
        this.things.delete(id);
        this.#record(`remove ${id}`);
        return Promise.resolve();
      },
      list: (_ctx, stack) => {
        this.listed.push(kind);
        return Promise.resolve(
          [...this.things.values()].flatMap(({ id, kind: own, owner }) => {
            const [ownStack, name = "", generation] = owner.split("/");
            return own === kind && ownStack === stack ? [{ id, name, generation: Number(generation) }] : [];
          }),
        );
      },
    };
  }
}

function difference(field: string, desired: string, observed: string, action: "update" | "replace") {
  return desired === observed ? [] : [{ field, desired, observed, action }];
}

/** The engine's tests never call AWS: a call would go to a port where nothing listens. */
export function contextWithoutAws(
  signal: AbortSignal = new AbortController().signal,
  timeoutMs = 20,
): WriteContext {
  const nowhere = "http://127.0.0.1:9";
  const clients = createClients({
    region: "eu-central-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    endpoints: {
      cloudWatch: nowhere,
      ec2: nowhere,
      ecr: nowhere,
      iam: nowhere,
      logs: nowhere,
      route53: nowhere,
      s3: nowhere,
      secretsManager: nowhere,
      sns: nowhere,
      ssm: nowhere,
      sts: nowhere,
      registry: "none",
    },
  });
  const timings = { firstMs: 1, longestMs: 5, timeoutMs };
  const ctx = { clients, account: "123456789012", region: "eu-central-1", signal, note: () => {}, timings };
  return toWriteContext(ctx, clients);
}
