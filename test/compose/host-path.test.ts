import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  copyLimit,
  findCopyObstacle,
  findWayOut,
  lookAtHost,
  walk,
} from "../../compose/isolation/host-path.ts";

const root = await realpath(await mkdtemp(join(tmpdir(), "berth-host-path-")));
after(() => rm(root, { recursive: true, force: true }));
let folders = 0;

async function makeFolder(files: Readonly<Record<string, number>> = {}): Promise<string> {
  const folder = join(root, `folder-${(folders += 1)}`);
  await mkdir(join(folder, "below"), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(folder, name), "");
    // Nothing of it takes up any room.
    await truncate(join(folder, name), bytes);
  }
  return folder;
}

describe("a path of this computer", () => {
  it("is what links lead to, with Compose's doubled dollar signs read as one", async () => {
    const folder = await makeFolder({ a$b: 1 });
    await symlink(join(folder, "a$b"), join(folder, "link"));

    assert.deepEqual(await lookAtHost(join(folder, "link")), { kind: "file", path: join(folder, "a$b") });
    assert.deepEqual(await lookAtHost(join(folder, "a$$b")), { kind: "file", path: join(folder, "a$b") });
    assert.deepEqual(await lookAtHost(folder), { kind: "folder", path: folder });
    assert.deepEqual(await lookAtHost(join(folder, "gone")), { kind: "missing" });
  });

  it("is refused where it is everything, the kernel's, or can't be looked at", async () => {
    const folder = await makeFolder({ a: 1 });
    const reasonOf = async (path: string) => {
      const found = await lookAtHost(path);
      return found.kind === "refused" ? found.reason : found.kind;
    };

    assert.equal(await reasonOf("/"), "it is all of this computer's file system");
    for (const path of ["/proc", "/proc/version", "/sys", "/dev", "/dev/null"])
      assert.match(await reasonOf(path), /is the kernel's$/, path);
    assert.equal(await reasonOf(join(folder, "a", "b")), "it can't be looked at (ENOTDIR)");
  });
});

describe("a folder that is to be copied", () => {
  it("may hold half a gibibyte, all files together, and no byte more", async () => {
    assert.equal(copyLimit.bytes, 512 * 1024 * 1024);
    assert.equal(copyLimit.entries, 100_000);
    assert.equal(
      await findCopyObstacle(await makeFolder({ a: copyLimit.bytes - 1, "below/b": 1 })),
      undefined,
    );
    assert.equal(
      await findCopyObstacle(await makeFolder({ a: copyLimit.bytes - 1, "below/b": 2 })),
      "it has more than 512 MiB",
    );
  });

  it("must be there to be read", async () => {
    assert.equal(await findCopyObstacle(join(root, "gone")), "not all of it can be read (ENOENT)");
    assert.equal(await findCopyObstacle(await makeFolder()), undefined);
  });
});

describe("a folder that is mounted read-only", () => {
  it("leads nowhere with files, folders and links", async () => {
    const folder = await makeFolder({ a: 1, "below/b": 1 });
    await symlink("/dev/null", join(folder, "link"));

    assert.equal(await findWayOut(folder, ""), undefined);
  });

  it("leads outside by a socket, however deep it lies", async () => {
    const folder = await makeFolder();
    const server = createServer().listen(join(folder, "below", "s"));
    await once(server, "listening");
    try {
      assert.equal(
        await findWayOut(folder, ""),
        `${join(folder, "below", "s")} in it is a socket, through which others are reached`,
      );
    } finally {
      server.close();
    }
  });

  it("leads outside by what is mounted below it, and by nothing that is mounted elsewhere", async () => {
    const folder = await makeFolder();
    const line = (path: string) => `36 35 98:0 / ${path} rw,noatime - ext4 /dev/root rw`;

    for (const path of [folder, `${folder}er`, root, "/", "/elsewhere"])
      assert.equal(await findWayOut(folder, `${line("/")}\n${line(path)}\n`), undefined, path);
    assert.equal(
      await findWayOut(folder, `${line("/")}\n${line(`${folder}/a\\040b`)}\n`),
      `${folder}/a b is mounted inside it, and would be writable`,
    );
  });
});

it("a walk shows folders before what is in them, and follows no link", async () => {
  const folder = await makeFolder({ "below/a": 1 });
  await symlink(root, join(folder, "link"));
  const seen: string[] = [];
  for await (const { path } of walk(folder)) seen.push(path.slice(folder.length + 1));

  assert.deepEqual(seen.toSorted(), ["below", "below/a", "link"]);
  assert.ok(seen.indexOf("below") < seen.indexOf("below/a"));
});
