import { createSocket, type RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, type Question } from "dns-packet";

/** The DNS server of the machines. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
}

const timeToLiveSeconds = 5;
const noSuchName = 3;

/**
 * Starts a name server on one address (UDP, a free port). Every name of AWS and of Let's Encrypt resolves to that
 * address, so that no machine's request can reach the real ones. Other names resolve as on this computer, with its hosts
 * file. IPv4 only.
 */
export async function startNameServer(address: string): Promise<NameServer> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => void answer(message, from));
  socket.bind(0, address);
  await once(socket, "listening");

  async function answer(message: Buffer, from: RemoteInfo): Promise<void> {
    const query = parseQuery(message);
    if (query === undefined) return;
    const { type, name } = query.question;
    const addresses = type === "A" ? await resolve(name, address) : [];
    // A machine that has gone by now needs no answer.
    socket.send(encodeAnswer(query, addresses), from.port, from.address, () => undefined);
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

function encodeAnswer({ id, recursionDesired, question }: Query, addresses: readonly string[]): Buffer {
  const notFound = question.type === "A" && addresses.length === 0;
  return encode({
    type: "response",
    id,
    flags: RECURSION_AVAILABLE | (recursionDesired ? RECURSION_DESIRED : 0) | (notFound ? noSuchName : 0),
    questions: [question],
    answers: addresses.map((data) => ({ type: "A", name: question.name, ttl: timeToLiveSeconds, data })),
  });
}
