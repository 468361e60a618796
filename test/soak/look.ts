import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { Clients } from "../../lib/aws/clients.ts";
import { parseRelease, releaseKey } from "../../lib/release/document.ts";
import type { Release } from "../../lib/release/schema.ts";
import type { Bench } from "../crash/bench.ts";
import type { Holding } from "../crash/holding.ts";
import { takeInventory } from "../crash/inventory.ts";
import { type Findings, isGood, judge } from "../crash/trial.ts";
import type { Stranger } from "../drift/rows.ts";
import { taggers } from "../drift/tags.ts";
import type { Wished } from "./wishes.ts";

/**
 * The account past the proxy, while there is one of everything: what is there tells the ids, as a state document may be
 * an old one, or none.
 */
export async function openStranger({ bare }: Bench): Promise<Stranger> {
  const held = await takeInventory(bare);
  const id = (name: string) => {
    const found = held.filter(({ kind }) => kind === name);
    if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} of ${name}`);
    return found[0].id;
  };
  const { image } = await readRelease(bare, id("bucket"));
  return { ...bare, id: (name) => (name === "image" ? image : id(name)) };
}

/** Whether there is exactly one of everything, as it is wished, and nothing else. `whole` is how a stack looks that came up undisturbed. */
export async function lookAtStack(
  bench: Bench,
  wished: Wished,
  whole: readonly Holding[],
): Promise<Findings> {
  const held = await takeInventory(bench.bare);
  const isOther = ({ kind }: Holding) => kind !== "image";
  const wanted = whole.filter(isOther).map((one) => asWished(one, wished));
  const found = judge(bench.cli.stack, held.filter(isOther), wanted);
  if (!isGood(found)) return found;
  const stranger = await openStranger(bench);
  const images = held.filter(({ kind }) => kind === "image").map(({ id }) => id);
  const troubles = await Promise.all([
    releaseTroubles(stranger, wished, images),
    tagTroubles(stranger, wished),
  ]);
  return { ...found, troubles: troubles.flat() };
}

/** What the emulators still contain when nothing should be left. */
export async function lookAtNothing({ bare }: Bench): Promise<Findings> {
  const orphans = (await takeInventory(bare)).map(({ kind, id }) => `${kind} ${id} is left`);
  return { orphans, duplicates: [], troubles: [] };
}

function asWished(holding: Holding, { ingress, type, diskGib }: Wished): Holding {
  const rules = ingress.flatMap(({ port, from }) => from.map((cidr) => `${port} ${cidr}`));
  const setups: Record<string, unknown> = {
    "security-group": rules.toSorted(),
    instance: ["running", type, "a group of its own"],
    volume: ["instance", diskGib, ["on the host"]],
  };
  return { ...holding, setup: setups[holding.kind] ?? holding.setup };
}

async function releaseTroubles(
  stranger: Stranger,
  { environment, replicas }: Wished,
  images: readonly string[],
): Promise<string[]> {
  const release = await readRelease(stranger, stranger.id("bucket"));
  const [, digest = ""] = release.image.split("@");
  const there = JSON.stringify([release.replicas, release.environment, release.port]);
  const here = JSON.stringify([replicas, environment, 8080]);
  return [
    ...(images.includes(digest) ? [] : [`no image ${digest}`]),
    ...(there === here ? [] : [`release is ${there} instead of ${here}`]),
  ];
}

async function readRelease({ s3 }: Clients, Bucket: string): Promise<Release> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: releaseKey }));
  return parseRelease((await Body?.transformToString()) ?? "", Bucket);
}

async function tagTroubles(stranger: Stranger, { tags }: Wished): Promise<string[]> {
  const read = Object.entries(taggers).map(async ([resource, tagger]) => {
    const found = await tagger.read(stranger, stranger.id(resource));
    const wrong = Object.entries(tags).filter(([key, value]) => found[key] !== value);
    return wrong.map(([key, value]) => `${resource} has ${key} ${found[key]} instead of ${value}`);
  });
  return (await Promise.all(read)).flat();
}
