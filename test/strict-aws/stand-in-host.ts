import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeAddressesCommand, DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Clients } from "../../lib/aws/clients.ts";
import { isNotFound } from "../../lib/aws/errors.ts";
import { parseRelease, releaseKey } from "../../lib/release/document.ts";
import { agentKey } from "../../lib/resources/delivery/agent.ts";
import { pageHash } from "../../lib/release/maintenance.ts";
import { hostReportKey, parseHostReport, type HostReport } from "../../lib/release/reports.ts";
import type { Release } from "../../lib/release/schema.ts";

export interface StandInHostsOptions {
  /** These clients bypass the proxy, because a host's own calls aren't under test. */
  readonly clients: Clients;
  readonly bucket: string;
  readonly stack: string;
  /** Whether something may have changed. Called before each round, which costs the emulator several calls. */
  readonly isNews?: (() => boolean) | undefined;
  /** What a host reports of a release with this number, if not that it serves. */
  readonly says?: ((release: number) => HostSays | undefined) | undefined;
  /** The status that every host answers requests with, if not 200. */
  readonly answers?: (() => number) | undefined;
}

export type HostSays = Pick<HostReport, "status" | "serves" | "reason" | "cause" | "log">;

const lookEveryMs = 150;
const askEveryMs = 40;

/**
 * Acts as healthy hosts, without machines: each running instance of the stack reports that it serves the desired
 * release, and every Elastic IP on such an instance answers 200 on port 80. The emulator gives addresses in
 * 127.0.0.0/8, so this needs only the right to listen on port 80. Ends on dispose.
 */
export function startStandInHosts(options: StandInHostsOptions): AsyncDisposable {
  const ending = new AbortController();
  const listeners = new Map<string, Server>();
  const working = work(options, { listeners, signal: ending.signal });
  // A failure is thrown on dispose. A test that waits for a host runs into its own limit before that.
  working.catch(() => undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      try {
        await working;
      } finally {
        await Promise.all([...listeners.values()].map(close));
      }
    },
  };
}

interface Work {
  readonly listeners: Map<string, Server>;
  readonly signal: AbortSignal;
}

async function work(options: StandInHostsOptions, { listeners, signal }: Work): Promise<void> {
  const { isNews, answers = () => 200 } = options;
  while (!signal.aborted) {
    if (isNews?.() === false) {
      await sleep(askEveryMs);
      continue;
    }
    const running = await runningInstances(options);
    const release = await readRelease(options);
    const agent = await readAgent(options);
    if (release !== undefined) for (const id of running) await reportServing(options, id, { release, agent });
    const serving = release === undefined ? [] : running;
    await listenOn(await publicAddresses(options, serving), listeners, answers);
    await sleep(isNews === undefined ? lookEveryMs : askEveryMs);
  }
}

async function runningInstances({ clients, stack }: StandInHostsOptions): Promise<string[]> {
  const Filters = [
    { Name: "tag:berth:stack", Values: [stack] },
    { Name: "instance-state-name", Values: ["running"] },
  ];
  const { Reservations = [] } = await clients.ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) =>
    Instances.flatMap(({ InstanceId }) => InstanceId ?? []),
  );
}

async function publicAddresses({ clients }: StandInHostsOptions, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { Addresses = [] } = await clients.ec2.send(new DescribeAddressesCommand({}));
  return Addresses.flatMap(({ InstanceId = "", PublicIp }) =>
    PublicIp !== undefined && ids.includes(InstanceId) ? [PublicIp] : [],
  );
}

async function readRelease({ clients, bucket }: StandInHostsOptions): Promise<Release | undefined> {
  const body = await read(clients.s3, bucket, releaseKey);
  return body === undefined ? undefined : parseRelease(body, bucket);
}

async function readAgent({ clients, bucket }: StandInHostsOptions): Promise<string | undefined> {
  const body = await read(clients.s3, bucket, agentKey);
  if (body === undefined) return undefined;
  const { sha256 }: { sha256: string } = JSON.parse(body);
  return sha256;
}

interface Desired {
  readonly release: Release;
  readonly agent: string | undefined;
}

async function reportServing(
  { clients, bucket, says }: StandInHostsOptions,
  instance: string,
  desired: Desired,
): Promise<void> {
  const Key = hostReportKey(instance);
  const before = await read(clients.s3, bucket, Key);
  const told = before === undefined ? undefined : parseHostReport(before, instance).report;
  const { number, maintenance } = desired.release;
  const page = maintenance && pageHash(maintenance.page);
  // A running agent goes on when no desired agent is named.
  const agent = desired.agent ?? told?.agent?.sha256;
  if (told?.release === number && told.agent?.sha256 === agent && told.maintenance === page) return;
  const at = new Date().toISOString();
  const running = agent === undefined ? {} : { agent: { sha256: agent } };
  const serving = { status: "serving", serves: number } as const;
  const report: HostReport = {
    instance,
    release: number,
    ...(says?.(number) ?? serving),
    ...running,
    maintenance: page,
    at,
  };
  try {
    await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify(report) }));
  } catch (error) {
    // The bucket was deleted in the meantime.
    if (!isNotFound(error)) throw error;
  }
}

async function read(s3: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToString();
  } catch (error) {
    if (isNotFound(error) || (error instanceof Error && error.name === "NoSuchKey")) return undefined;
    throw error;
  }
}

async function listenOn(
  addresses: readonly string[],
  listeners: Map<string, Server>,
  answers: () => number,
): Promise<void> {
  for (const [address, server] of listeners) {
    if (addresses.includes(address)) continue;
    listeners.delete(address);
    await close(server);
  }
  for (const address of addresses) {
    if (listeners.has(address)) continue;
    const server = createServer((_, response) => {
      response.statusCode = answers();
      response.end("a host\n");
    });
    listeners.set(address, server);
    server.listen(80, address);
    await once(server, "listening");
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
