import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { BerthError } from "../../errors.ts";
import { isSystemFailure } from "../../system-errors.ts";
import { isSecret } from "../account/drawn-credentials.ts";
import { controlFiles, type ControlRequest } from "./messages.ts";
import { readLines } from "./line-reader.ts";
import type { PrivateDirectory } from "./private-directory.ts";

/**
 * Verifies who is at the other end of the control socket. The kernel knows (SO_PEERCRED), but Node has no call for
 * that. Instead, the socket is in a directory that only its owner can enter, and each side proves that it could read
 * the secret there, without sending it.
 *
 *     command     {challenge}
 *     supervisor  {challenge, proof}
 *     command     {proof, request}
 */
type Side = "command" | "supervisor";

interface Challenges {
  readonly command: string;
  readonly supervisor: string;
}

const proofOf = (secret: string, side: Side, { command, supervisor }: Challenges): string =>
  createHmac("sha256", secret).update(`${side} ${command} ${supervisor}`).digest("hex");

const newChallenge = (): string => randomBytes(16).toString("hex");

/** A supervisor's longest answer has a few log lines; a command's has a pid. */
const longestAnswer = 256 * 1024;
const longestRequest = 1024;
/** A process may stand still on a busy computer. */
export const longestHandshakeMs = 60_000;

/** A connection to the directory's supervisor, which has proved its identity. */
export interface SupervisorConnection {
  readonly socket: Socket;
  /** The supervisor's further messages. */
  readonly lines: AsyncGenerator<string>;
}

/**
 * Sends the request. Undefined when no supervisor runs. @throws BerthError `ForeignSupervisor` when something else
 * answers.
 */
export async function askSupervisor(
  directory: PrivateDirectory,
  request: ControlRequest,
): Promise<SupervisorConnection | undefined> {
  const socket = await connectTo(directory);
  if (socket === undefined) return undefined;
  // A silent supervisor counts as none: the lock then decides who becomes the supervisor.
  socket.setTimeout(longestHandshakeMs, () => socket.destroy());
  const lines = readLines(socket, longestAnswer);
  const command = newChallenge();
  socket.write(`${JSON.stringify({ challenge: command })}\n`);
  const { value: line, done } = await lines.next();
  // The supervisor ended in the meantime.
  if (done === true) return undefined;
  // Read only now: a supervisor writes its secret before it listens, so this is the secret of the one that answers.
  const secret = await readFile(directory.pathOf(controlFiles.secret), "utf8");
  const { challenge: supervisor, proof } = parseStrings(line);
  const challenges = { command, supervisor: supervisor ?? "" };
  if (!isSecret(proof ?? "", proofOf(secret, "supervisor", challenges))) {
    socket.destroy();
    throw foreign();
  }
  socket.setTimeout(0);
  socket.write(`${JSON.stringify({ proof: proofOf(secret, "command", challenges), request })}\n`);
  return { socket, lines };
}

async function connectTo(directory: PrivateDirectory): Promise<Socket | undefined> {
  const socket = connect(directory.pathOf(controlFiles.socket));
  try {
    await once(socket, "connect");
    // If the supervisor dies later, the calls to its endpoints fail.
    socket.on("error", () => socket.destroy());
    return socket;
  } catch (error) {
    if (isSystemFailure(error, "unanswered", "absent")) return undefined;
    throw error;
  }
}

/** The supervisor's side: returns the request of a client that has proved to be the same user. Undefined for anybody else. */
export async function readProvenRequest(socket: Socket, secret: string): Promise<ControlRequest | undefined> {
  const lines = readLines(socket, longestRequest);
  const { challenge: command = "" } = parseStrings((await lines.next()).value);
  if (!/^[0-9a-f]{32}$/.test(command)) return undefined;
  const challenges = { command, supervisor: newChallenge() };
  const proof = proofOf(secret, "supervisor", challenges);
  socket.write(`${JSON.stringify({ challenge: challenges.supervisor, proof })}\n`);
  const { value: line } = await lines.next();
  const { proof: shown = "" } = parseStrings(line);
  return isSecret(shown, proofOf(secret, "command", challenges)) ? parseRequest(line) : undefined;
}

function parseRequest(line: string | undefined): ControlRequest | undefined {
  const { request } = parse(line);
  if (typeof request !== "object" || request === null) return undefined;
  const { command, pid } = { command: undefined, pid: undefined, ...request };
  if ((command !== "open" && command !== "release") || typeof pid !== "number") return undefined;
  return { command, pid };
}

function parseStrings(line: string | undefined): Partial<Record<string, string>> {
  const strings = Object.entries(parse(line)).filter(([, value]) => typeof value === "string");
  return Object.fromEntries(strings.map(([name, value]) => [name, String(value)]));
}

/** A line that isn't a JSON object becomes an empty one. */
function parse(line: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line ?? "");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function foreign(): BerthError {
  return new BerthError({
    code: "ForeignSupervisor",
    message: `something that isn't the supervisor of the embedded AWS listens at its ${controlFiles.socket}`,
    hint: `find it with \`ss -xlp\`, end it, and remove the folder \`local\` in .berth or BERTH_HOME`,
  });
}
