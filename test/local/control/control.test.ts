import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askSupervisor, readProvenRequest } from "../../../lib/local/control/handshake.ts";
import { controlFiles, keyOf, type ControlRequest } from "../../../lib/local/control/messages.ts";
import { pythonPath } from "../../../lib/local/python.ts";
import { openLocalAws } from "../../../lib/local/local-aws.ts";
import { openPrivateDirectory } from "../../../lib/local/control/private-directory.ts";
import { fromRoot } from "../../../lib/paths.ts";
import { sendToSocket, squat } from "../attacks/control-attacks.ts";
import { connectAsOther, nobody, readAsOther } from "../attacks/other-user.ts";

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "berth-control-"));
  // Others may come as far as to the directory in question.
  await chmod(root, 0o755);
});
after(() => rm(root, { recursive: true, force: true }));

describe("the directory of the embedded AWS", () => {
  it("is made for its owner only", async () => {
    const path = join(root, "new", "local");
    await using _ = await openPrivateDirectory(path);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it("is closed to those who could look into it", async () => {
    const path = join(root, "open");
    await mkdir(path, { mode: 0o755 });
    await using _ = await openPrivateDirectory(path);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it("is refused when others could have put something into it", async () => {
    const path = join(root, "shared");
    await mkdir(path);
    await chmod(path, 0o770);
    await assert.rejects(openPrivateDirectory(path), {
      code: "UnsafeDirectory",
      message: /written to by others/,
    });
  });

  it("is refused when it is another user's", async () => {
    // Who isn't root can't give a folder away, and takes one of root's.
    let path = "/usr";
    if (process.getuid?.() === 0) {
      path = join(root, "foreign");
      await mkdir(path, { mode: 0o700 });
      await chown(path, nobody, nobody);
    }
    await assert.rejects(openLocalAws({ directory: path }), {
      code: "UnsafeDirectory",
      message: /belongs to the user/,
    });
  });

  it("is refused when it is a link to somewhere else", async () => {
    const path = join(root, "link");
    await mkdir(join(root, "target"));
    await symlink(join(root, "target"), path);
    await assert.rejects(openPrivateDirectory(path), { code: "UnsafeDirectory" });
  });

  it("may lie deeper than a socket's path can be long", async () => {
    const path = join(root, "deep".repeat(30));
    await using directory = await openPrivateDirectory(path);
    await using _ = await supervise(path, () => undefined);
    const asked = await askSupervisor(directory, { command: "open", pid: 1 });
    assert.ok(asked);
    asked.socket.destroy();
  });
});

describe("the control socket", () => {
  let path: string;
  const requests: (ControlRequest | undefined)[] = [];
  let supervisor: AsyncDisposable;
  before(async () => {
    path = join(root, "local");
    await mkdir(path, { mode: 0o700 });
    supervisor = await supervise(path, (request) => requests.push(request));
  });
  after(() => supervisor?.[Symbol.asyncDispose]());

  it("takes a request of who can read the secret", async () => {
    await using directory = await openPrivateDirectory(path);
    const asked = await askSupervisor(directory, { command: "release", pid: 7 });
    assert.equal((await asked?.lines.next())?.value, "heard");
    assert.deepEqual(requests.splice(0), [{ command: "release", pid: 7 }]);
  });

  for (const [name, ...pieces] of [
    ["who speaks the language of old", '{"command":"open","pid":1}\n'],
    ["who proves nothing", `{"challenge":"${"0".repeat(32)}"}\n`, '{"request":{"command":"open","pid":1}}\n'],
    ["who proves wrongly", `{"challenge":"${"0".repeat(32)}"}\n`, `{"proof":"${"0".repeat(64)}"}\n`],
    ["who sends the supervisor's names", '{"__proto__":{"challenge":"x"}}\n', "null\n"],
    ["who never ends a line", "x".repeat(100_000)],
    ["who speaks HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
  ] as const) {
    it(`takes none of ${name}`, async () => {
      const said = await sendToSocket(join(path, controlFiles.socket), ...pieces);
      assert.doesNotMatch(said, /heard/);
      assert.deepEqual(requests.splice(0), [undefined]);
    });
  }

  it("can't be reached by another user, nor can its secret be read", async () => {
    for (const name of [controlFiles.socket, controlFiles.secret]) {
      assert.equal(await connectAsOther(join(path, name)), "EACCES");
      assert.equal(await readAsOther(join(path, name)), "EACCES");
    }
  });
});

describe("something in the supervisor's place", () => {
  it("is noticed, and told nothing", async () => {
    const directory = join(root, "squatted");
    await mkdir(directory, { mode: 0o700 });
    await writeFile(join(directory, controlFiles.secret), "the real secret", { mode: 0o600 });
    const ready = '{"event":"ready","pid":1,"endpoints":{},"credentials":{}}';
    await using squatter = await squat(join(directory, controlFiles.socket), ready);

    await assert.rejects(openLocalAws({ directory }), { code: "ForeignSupervisor" });
    assert.match(squatter.heard(), /^\{"challenge":"[0-9a-f]{32}"\}\n$/);
  });

  it("that turns a proof around, or plays an old one, is noticed", async () => {
    const path = join(root, "mirrored");
    await using directory = await openPrivateDirectory(path);
    await writeFile(join(path, controlFiles.secret), "the real secret", { mode: 0o600 });
    const old = { challenge: "0".repeat(32), proof: "c".repeat(64) };
    await using _ = await squat(join(path, controlFiles.socket), JSON.stringify(old));
    const asked = askSupervisor(directory, { command: "open", pid: 1 });
    await assert.rejects(asked, { code: "ForeignSupervisor" });
  });

  it("by the name in the kernel's own list is never asked", async () => {
    const path = join(root, "abstract");
    await using directory = await openPrivateDirectory(path);
    await using squatter = await squat(`\0berth-local-${keyOf(path)}`, "anything");
    assert.equal(await askSupervisor(directory, { command: "open", pid: 1 }), undefined);
    assert.equal(squatter.heard(), "");
  });

  it("that was killed is no obstacle: its socket is, and nobody answers", async () => {
    const path = join(root, "killed");
    await using directory = await openPrivateDirectory(path);
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script, join(path, controlFiles.socket)]), "exit");
    assert.ok((await stat(join(path, controlFiles.socket))).isSocket());
    assert.equal(await askSupervisor(directory, { command: "open", pid: 1 }), undefined);
  });
});

describe("the lock of the directory", () => {
  const locked = fromRoot("lib/local/control/locked.py");
  const hold = (...program: readonly string[]) =>
    spawn(pythonPath, ["-IS", locked, join(root, "lock"), ...program], {
      stdio: ["pipe", "pipe", "inherit"],
    });

  it("is one process's, and free as soon as that is gone", async () => {
    const holder = hold("/bin/cat");
    holder.stdin.write("holding\n");
    await once(holder.stdout, "data");

    const [busy] = await once(hold("/bin/true"), "exit");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const [free] = await once(hold("/bin/true"), "exit");

    assert.deepEqual([busy, free], [75, 0]);
  });

  it("is needed by the supervisor", async () => {
    const supervisor = fromRoot("lib/local/supervisor.ts");
    const child = spawn(process.execPath, ["--import", "tsx", supervisor, join(root, "unlocked")], {
      stdio: "ignore",
    });
    assert.deepEqual(await once(child, "exit"), [1, null]);
  });
});

/** The supervisor's side of the socket, and nothing else of it. */
async function supervise(
  path: string,
  told: (request: ControlRequest | undefined) => void,
): Promise<AsyncDisposable> {
  await using directory = await openPrivateDirectory(path);
  await writeFile(directory.pathOf(controlFiles.secret), "secret", { mode: 0o600 });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    const answer = async () => {
      const request = await readProvenRequest(socket, "secret");
      told(request);
      if (request === undefined) socket.destroy();
      else socket.end("heard\n");
    };
    answer().catch((error: unknown) => socket.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(directory.pathOf(controlFiles.socket));
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
      await rm(join(path, controlFiles.socket), { force: true });
    },
  };
}
