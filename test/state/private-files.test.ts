import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { ensurePrivateFolder, ensurePrivateHome, writePrivateFile } from "../../lib/private-files.ts";
import { keepReplaced } from "../../state/repair/replaced.ts";
import { newDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { Journal } from "../../state/journal.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-private-"));
after(() => rm(directory, { recursive: true, force: true }));
const home = join(directory, ".berth");
const elsewhere = join(directory, "elsewhere");
beforeEach(async () => {
  await rm(home, { recursive: true, force: true });
  await rm(elsewhere, { recursive: true, force: true });
  await mkdir(elsewhere);
});

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test("a home that everybody could read is for its owner alone from then on, with all that is kept in it", async () => {
  const files = ["receipts/hello.json", "unsaved/hello.json", "state/hello/state.json"].map((one) =>
    join(home, one),
  );
  for (const file of files) {
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, "{}");
    await chmod(file, 0o666);
    await chmod(join(file, ".."), 0o777);
  }
  await mkdir(join(home, "local"), { mode: 0o777 });
  await chmod(home, 0o777);

  await ensurePrivateHome(home);

  for (const folder of ["", "receipts", "unsaved", "state", "state/hello", "local"])
    assert.equal(await modeOf(join(home, folder)), "700", folder);
  for (const file of files) assert.equal(await modeOf(file), "600", file);
});

test("a folder that somebody chose and had before keeps its mode, what Berth keeps in it doesn't", async () => {
  await chmod(elsewhere, 0o755);
  await mkdir(join(elsewhere, "receipts"), { mode: 0o755 });

  await ensurePrivateHome(elsewhere);

  assert.equal(await modeOf(elsewhere), "755");
  assert.equal(await modeOf(join(elsewhere, "receipts")), "700");
});

for (const name of ["", "receipts", "unsaved", "state", "local"])
  test(`a symbolic link in the place of .berth/${name} is refused, and what it leads to is left`, async () => {
    await chmod(elsewhere, 0o755);
    if (name !== "") await mkdir(home);
    await symlink(elsewhere, join(home, name));

    await assert.rejects(ensurePrivateHome(home), { code: "UnsafeFolder" });

    assert.equal(await modeOf(elsewhere), "755");
  });

test("what can't be saved, what is replaced and what a store keeps is for its owner alone", async () => {
  const open = join(home, "unsaved");
  await mkdir(open, { recursive: true });
  await chmod(open, 0o777);
  const rescueFile = join(open, "hello.json");
  const failing = {
    location: "nowhere",
    load: () => Promise.resolve(undefined),
    save: () => Promise.reject(new Error("gone")),
  };
  const document = newDocument({ stack: "hello", account: "123456789012", region: "eu-central-1" });
  const journal = new Journal({ store: failing, start: { document }, writer: "1", rescueFile });
  journal.note((one) => one);
  await assert.rejects(journal.flush(), { code: "StateUnsaved" });
  const aside = await keepReplaced(rescueFile, "{}");
  const folder = join(home, "kept");
  await mkdir(folder);
  await chmod(folder, 0o755);
  await openFileStore(folder).put("state.json", "{}");

  for (const path of [open, folder]) assert.equal(await modeOf(path), "700", path);
  for (const path of [rescueFile, aside, join(folder, "state.json")])
    assert.equal(await modeOf(path), "600", path);
});

test("nothing is written through a symbolic link", async () => {
  const target = join(elsewhere, "target");
  await writeFile(target, "of somebody else");
  await ensurePrivateFolder(home);
  await symlink(target, join(home, "hello.json"));

  for (const mayExist of [true, false])
    await assert.rejects(
      writePrivateFile(join(home, "hello.json"), "{}", { mayExist }),
      /UnsafeFolder|symbolic|EEXIST/,
    );

  assert.equal(await readFile(target, "utf8"), "of somebody else");
});

test("a folder of another user is refused, and left as it is; the superuser's word is taken for any", async (t) => {
  await chmod(elsewhere, 0o777);
  const { uid } = await stat(elsewhere);
  const before = process.geteuid;
  assert.ok(before);
  t.after(() => void (process.geteuid = before));
  const as = (user: number) => void (process.geteuid = () => user);

  as(uid + 1);
  await assert.rejects(ensurePrivateFolder(elsewhere), {
    code: "UnsafeFolder",
    message: `${elsewhere} is of another user; what Berth keeps there is for nobody else to read, and to be put nowhere else`,
  });
  assert.equal(await modeOf(elsewhere), "777");
  for (const user of [uid, 0]) {
    await chmod(elsewhere, 0o777);
    as(user);
    await ensurePrivateFolder(elsewhere);
    assert.equal(await modeOf(elsewhere), "700");
  }
});

test("what can't be a folder is refused as unsafe where something else stands, and else by the system's own word", async () => {
  const file = join(elsewhere, "file");
  await writeFile(file, "");

  for (const path of [file, join(file, "below")])
    await assert.rejects(ensurePrivateFolder(path), { code: "UnsafeFolder" }, path);
  await assert.rejects(ensurePrivateFolder(join(elsewhere, "x".repeat(300))), { code: "ENAMETOOLONG" });
  await assert.rejects(ensurePrivateHome(join(file, "below")), { code: "ENOTDIR" });
});
