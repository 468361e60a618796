import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { connectDocker } from "../../lib/docker/connection.ts";
import { BerthError } from "../../lib/errors.ts";
import { fromRoot } from "../../lib/paths.ts";
import { lookUntil } from "../../lib/poll.ts";
import { ensurePrivateFolder } from "../../lib/private-files.ts";
import { runOrFail } from "../child-process.ts";
import { canInstall, type Computer } from "./computer.ts";

const startTimeoutMs = 60_000;

/** The codes of the errors that mean that no engine can run here. */
export const engineErrorCodes: ReadonlySet<string> = new Set(["NoDockerEngine", "EngineNotStarted"]);

/**
 * Makes sure that a Docker engine answers. Root starts one that is installed but not running. The engine is installed
 * before that, with all other packages (see planPackages).
 *
 * @throws BerthError `NoDockerEngine` when none answers and none may be started, `EngineNotStarted` with the tail of its log
 */
export async function ensureEngine(computer: Computer): Promise<void> {
  if (computer.engine === "answers") return;
  const installed = computer.commands.has("dockerd");
  if (computer.engine === "elsewhere" || !computer.root || !installed) throw unavailable(computer);
  await (computer.systemd ? startUnit() : startDaemon());
}

function unavailable(computer: Computer): BerthError {
  if (computer.engineError !== undefined && computer.engine !== "absent") return computer.engineError;
  return new BerthError({
    code: "NoDockerEngine",
    message: "there is no Docker engine on this computer",
    hint: canInstall(computer)
      ? "Install one (`apt-get install docker.io`) and try again"
      : "Install Docker (Debian, Ubuntu: `sudo apt-get install docker.io`), or run this as root on Debian or Ubuntu to have it installed",
    cause: computer.engineError,
  });
}

async function startUnit(): Promise<void> {
  await runOrFail("systemctl", ["enable", "--now", "docker"], {
    what: "Starting the Docker engine",
    hint: "see `journalctl -u docker`",
  });
  await engineAnswers(() => undefined, "see `journalctl -u docker`");
}

// Without systemd, nothing else would start the engine. It outlives this command, as a service would.
async function startDaemon(): Promise<void> {
  const logPath = fromRoot(".berth/dockerd.log");
  await ensurePrivateFolder(dirname(logPath));
  const log = await open(logPath, "a");
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const daemon = spawn("dockerd", [], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: { ...process.env, PATH: path },
  });
  let failure: string | undefined;
  daemon.on("error", (error) => (failure = error.message));
  daemon.on("exit", (code) => (failure = `dockerd ended with exit code ${String(code)}`));
  daemon.unref();
  await log.close();
  await engineAnswers(() => failure, logPath);
}

async function engineAnswers(failure: () => string | undefined, logPath: string): Promise<void> {
  let refusal: unknown;
  const ctx = { signal: new AbortController().signal, note: () => {}, timings: { longestMs: 250 } };
  const last = await lookUntil(ctx, {
    what: "the Docker engine to answer",
    timeoutMs: startTimeoutMs,
    look: async () => {
      try {
        await connectDocker();
        return { done: "answers" };
      } catch (error) {
        refusal = error;
        return failure() === undefined ? { waiting: "it doesn't answer" } : { done: "failed" };
      }
    },
  });
  if ("done" in last && last.done === "answers") return;
  throw new BerthError({
    code: "EngineNotStarted",
    message: `the Docker engine was started, but doesn't answer: ${failure() ?? "it is silent after 60 s"}`,
    hint: `the reason should be in its log: ${logPath}`,
    detail: await tail(logPath),
    cause: refusal,
  });
}

async function tail(path: string): Promise<string[]> {
  if (!path.startsWith("/")) return [];
  return (await readFile(path, "utf8")).trimEnd().split("\n").slice(-12);
}
