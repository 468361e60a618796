import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyLimit } from "../../../compose/isolation/host-path.ts";

/** Files and folders of this computer that a compose file may mount, good and bad ones. */
export async function makeHostFiles() {
  const root = await mkdtemp(join(tmpdir(), "berth-isolation-"));
  const paths = {
    root,
    file: join(root, "settings.conf"),
    folder: join(root, "folder"),
    socket: join(root, "engine.sock"),
    folderOfNobody: join(root, "quiet"),
    withSocket: join(root, "with-socket"),
    large: join(root, "large"),
  };
  await writeFile(paths.file, "a");
  for (const folder of [paths.folder, paths.withSocket, paths.folderOfNobody, paths.large])
    await mkdir(folder);
  await symlink(paths.socket, join(root, "link-to-socket"));
  await symlink(paths.socket, join(root, "pay$link"));
  await symlink("/", join(root, "link-to-all"));
  await symlink(paths.file, join(root, "link-to-file"));
  // Nothing of it takes up any room.
  await writeFile(join(paths.large, "a"), "");
  await truncate(join(paths.large, "a"), copyLimit.bytes + 1);
  const servers = [paths.socket, join(paths.withSocket, "s")].map((path) => createServer().listen(path));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const remove = async () => {
    for (const server of servers) server.close();
    await rm(root, { recursive: true });
  };
  return { ...paths, remove };
}
