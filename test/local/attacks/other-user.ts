import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";

/** The user `nobody`, which owns nothing on any Linux. */
export const nobody = 65_534;

/** Connects to a Unix socket as another user of this computer. Returns the error's code, or `connected`. */
export async function connectAsOther(socketPath: string): Promise<string> {
  if (process.getuid?.() === 0) return runAsOther(`require("node:net").connect(path)`, socketPath);
  return judgeByModes(socketPath);
}

/** Reads a file or lists a folder as another user, and returns the result. */
export async function readAsOther(path: string): Promise<string> {
  if (process.getuid?.() === 0) return runAsOther(`require("node:fs").createReadStream(path)`, path);
  return judgeByModes(path);
}

async function runAsOther(opening: string, path: string): Promise<string> {
  const script = `
    const [path] = process.argv.slice(1);
    const opened = ${opening};
    const end = (said) => { process.stdout.write(said); process.exit(); };
    opened.once("connect", () => end("connected")).once("data", () => end("read")).once("end", () => end("read"));
    opened.once("error", (error) => end(error.code));`;
  const child = spawn(process.execPath, ["-e", script, path], {
    uid: nobody,
    gid: nobody,
    cwd: "/",
    env: {},
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return said;
}

/** Used when this process can't change its user: predicts the kernel's answer from the modes of the folder. */
async function judgeByModes(path: string): Promise<string> {
  const { uid, mode } = await stat(dirname(path));
  return uid === process.getuid?.() && (mode & 0o077) === 0 ? "EACCES" : "connected";
}
