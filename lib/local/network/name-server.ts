import { createSocket, type RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import {
  type Answer,
  decode,
  encode,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
} from "dns-packet";

/** The DNS server of the machines. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
}

/** What hosted zones answer to one question. */
export interface ZoneAnswer {
  /** Whether there is anything of that name. */
  readonly exists: boolean;
  /** The values of the type that was asked for, as Route 53 writes them. */
  readonly values: readonly string[];
}

/** Undefined for a name that no zone covers. */
export type AskZones = (question: {
  readonly name: string;
  readonly type: string;
}) => Promise<ZoneAnswer | undefined>;

const timeToLiveSeconds = 5;
const noSuchName = 3;

/**
 * Starts a name server on one address (UDP, a free port). Every name of AWS and of Let's Encrypt resolves to that
 * address, so that no machine's request can reach the real ones. Names in a hosted zone of the emulated Route 53 resolve as
 * that says. All others resolve as on this computer, with its hosts file. IPv4 only.
 */
export async function startNameServer(
  address: string,
  askZones: AskZones = () => Promise.resolve(undefined),
): Promise<NameServer> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => void answer(message, from));
  socket.bind(0, address);
  await once(socket, "listening");

  async function answer(message: Buffer, from: RemoteInfo): Promise<void> {
    const query = parseQuery(message);
    if (query === undefined) return;
    const found = await find(query.question);
    // A machine that has gone by now needs no answer.
    socket.send(encodeAnswer(query, found), from.port, from.address, () => undefined);
  }

  async function find({ type, name }: Question): Promise<Found> {
    // No zone may lead a machine's calls of AWS elsewhere.
    const zone = isAnsweredHere(name) ? undefined : await askZones({ name, type }).catch(() => undefined);
    if (zone !== undefined) return { isMissing: !zone.exists, values: zone.values };
    const values = type === "A" ? await resolve(name, address) : [];
    return { isMissing: type === "A" && values.length === 0, values };
  }

  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** True for every name below AWS's endpoint domains, and below Let's Encrypt's. */
function isAnsweredHere(name: string): boolean {
  return /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.letsencrypt\.org)$/i.test(name);
}

async function resolve(name: string, gateway: string): Promise<readonly string[]> {
  if (isAnsweredHere(name)) return [gateway];
  try {
    const found = await lookup(name, { all: true, family: 4 });
    return found.map((entry) => entry.address);
  } catch {
    // Whatever the reason, the machine gets the answer that the name doesn't exist.
    return [];
  }
}

interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
}

/** Undefined for a message that isn't exactly one question: anybody on the machines' network may send anything. */
function parseQuery(message: Buffer): Query | undefined {
  try {
    const { type, id = 0, questions = [], flag_rd: recursionDesired } = decode(message);
    const [question, ...others] = questions;
    if (type !== "query" || question === undefined || others.length > 0) return undefined;
    // A name that can't be encoded again can't be answered.
    encode({ questions: [question] });
    return { id, recursionDesired, question };
  } catch {
    return undefined;
  }
}

interface Found {
  readonly isMissing: boolean;
  readonly values: readonly string[];
}

function encodeAnswer({ id, recursionDesired, question }: Query, { isMissing, values }: Found): Buffer {
  return encode({
    type: "response",
    id,
    flags: RECURSION_AVAILABLE | (recursionDesired ? RECURSION_DESIRED : 0) | (isMissing ? noSuchName : 0),
    questions: [question],
    answers: values.flatMap((value) => answerWith(question, value)),
  });
}

/** None for a type that the embedded AWS has no use for. */
function answerWith({ type, name }: Question, value: string): Answer[] {
  const ttl = timeToLiveSeconds;
  if (type === "A" || type === "AAAA" || type === "CNAME") return [{ type, name, ttl, data: value }];
  if (type === "TXT") return [{ type, name, ttl, data: value.replaceAll(/^"|"$/g, "") }];
  const [, flags, tag, text] = /^(\d+) (\w+) "([^"]*)"$/.exec(value) ?? [];
  if (type !== "CAA" || text === undefined) return [];
  if (tag !== "issue" && tag !== "issuewild" && tag !== "iodef") return [];
  return [{ type, name, ttl, data: { flags: Number(flags), tag, value: text } }];
}
