import type { Attack } from "./attack.ts";
import type { Target } from "./target.ts";

const alone = (name: string, expected: string, attempt: Attack["attempt"]): Attack => ({
  from: "app",
  name: `exhaustion: ${name}`,
  expected,
  attempt,
  alone: true,
});

/** Children that do nothing, until no more can be had; all are gone again at the end. */
const forkBomb = `
import os, signal, time
children = []
try:
    while len(children) < 2000:
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
        children.append(child)
except BlockingIOError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print("stopped at the limit" if 100 < len(children) <= 512 else f"{len(children)} processes")
`;

const memoryHog = `
blocks = []
for _ in range(64):
    blocks.append(bytearray(16 << 20))
print(f"got {len(blocks) * 16} MiB")
`;

const diskHog = `
import os
written = 0
try:
    with open("/tmp/big", "wb", buffering=0) as file:
        while written < 512 << 20:
            written += file.write(bytes(1 << 20))
except OSError:
    pass
os.remove("/tmp/big")
print("stopped at the limit" if written <= 64 << 20 else f"{written >> 20} MiB")
`;

const openFiles = `
import os
files = []
try:
    while len(files) < 2_000_000:
        files.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
print("stopped at a limit" if len(files) < 2_000_000 else "no limit")
`;

/** More of the app's own output than the engine may keep of it. */
const logFlood = `
with open("/proc/1/fd/1", "w") as log:
    for _ in range(50):
        log.write(("x" * 99 + "\\n") * 10_000)
print("written")
`;

/** The machine goes on serving whatever the app does to itself. */
async function floodLog({ app, machine }: Target): Promise<string> {
  const said = await app.run(logFlood);
  if (said !== "written") return said;
  const id = await machine("docker ps --quiet --no-trunc --filter label=berth.release | head -n 1");
  const kilobytes = Number(await machine(`du -sk /var/lib/docker/containers/${id}/local-logs | cut -f 1`));
  if (kilobytes < 1024) return `only ${kilobytes} KB of log: the flood did not arrive`;
  return kilobytes <= 32 * 1024 ? "kept within 32 MiB" : `${kilobytes >> 10} MiB of log`;
}

/** Two of the app's tasks that wait for ever must not take the address away from others. */
async function stillServes({ address }: Target): Promise<string> {
  const { status } = await fetch(`http://${address}/after-all`);
  return status === 200 ? "the app serves" : `answered ${status}`;
}

export const exhaustion: readonly Attack[] = [
  alone("processes", "stopped at the limit", ({ app }) => app.run(forkBomb)),
  alone("memory", "killed by signal 9", ({ app }) => app.run(memoryHog)),
  alone("/tmp", "stopped at the limit", ({ app }) => app.run(diskHog)),
  alone("open files", "stopped at a limit", ({ app }) => app.run(openFiles)),
  alone("log", "kept within 32 MiB", floodLog),
  alone("after all of it", "the app serves", stillServes),
];
