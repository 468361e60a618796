import { createSocket, type RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";

/** Answers the machines' questions for names. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
}

const typeA = 1;
const classInternet = 1;
const timeToLiveSeconds = 5;

interface Question {
  readonly name: string;
  readonly type: number;
  /** The question as it came: an answer repeats it. */
  readonly bytes: Buffer;
}

/**
 * A name server on one address (UDP, a free port). Every name of AWS is the address itself, so that no request of a machine
 * can find the real AWS; any other name is what this computer's own resolver (hosts file included) says. IPv4 only.
 */
export async function startNameServer(address: string): Promise<NameServer> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => void answer(message, from));
  socket.bind(0, address);
  await once(socket, "listening");

  async function answer(message: Buffer, from: RemoteInfo): Promise<void> {
    const question = parseQuestion(message);
    if (question === undefined) return;
    const addresses = question.type === typeA ? await resolve(question.name, address) : [];
    // A machine that is gone by now needs no answer.
    socket.send(encodeAnswer(message, question, addresses), from.port, from.address, () => undefined);
  }

  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** True for every name below AWS's domains of endpoints. */
function isAwsName(name: string): boolean {
  return /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws)$/i.test(name);
}

async function resolve(name: string, gateway: string): Promise<readonly string[]> {
  if (isAwsName(name)) return [gateway];
  try {
    const found = await lookup(name, { all: true, family: 4 });
    return found.map((entry) => entry.address);
  } catch {
    // Whatever the reason, the machine is told that there is no such name.
    return [];
  }
}

function parseQuestion(message: Buffer): Question | undefined {
  const headerLength = 12;
  if (message.length < headerLength || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = headerLength;
  for (let length = message[at]; length !== 0; length = message[at]) {
    // Questions are never compressed; anything else isn't a question we know.
    if (length === undefined || length > 63) return undefined;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > message.length) return undefined;
  return {
    name: labels.join("."),
    type: message.readUInt16BE(at + 1),
    bytes: message.subarray(headerLength, end),
  };
}

function encodeAnswer(message: Buffer, question: Question, addresses: readonly string[]): Buffer {
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  const notFound = question.type === typeA && addresses.length === 0;
  const recursionDesired = message.readUInt16BE(2) & 0x0100;
  header.writeUInt16BE(0x8080 | recursionDesired | (notFound ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    // 0xc00c points at the name in the question.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(typeA, 2);
    record.writeUInt16BE(classInternet, 4);
    record.writeUInt32BE(timeToLiveSeconds, 6);
    record.writeUInt16BE(4, 10);
    Buffer.from(address.split(".").map(Number)).copy(record, 12);
    return record;
  });
  return Buffer.concat([header, question.bytes, ...records]);
}
