import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { pack } from "tar-stream";
import { connectDocker } from "../../lib/docker/connection.ts";
import { ensureBootImage } from "../../lib/local/machines/boot-image.ts";
import { fromRoot } from "../../lib/paths.ts";
import { until } from "../local/temporary-aws.ts";
import { ask } from "./clients.ts";
import { openHostRig } from "./host-rig.ts";

const image = "berth-machine-bare:test";
/** What set-up must download on a stock image, and what proves that it isn't there. */
const packages =
  "docker.io docker-cli nginx-light libnginx-mod-http-perl libnginx-mod-http-headers-more-filter python3-botocore python3-acme amazon-ecr-credential-helper unattended-upgrades";
const proof = "! command -v dockerd && ! command -v nginx && ! python3 -c 'import botocore'";

/** The machines' image with the packages taken out again, as a stock image has none of them. */
async function buildBareImage(): Promise<void> {
  const docker = await connectDocker();
  const context = pack();
  const recipe = `FROM ${await ensureBootImage({ docker })}
RUN apt-get purge -qq -y --autoremove ${packages} && ${proof}
`;
  context.entry({ name: "Dockerfile" }, recipe);
  context.finalize();
  const told = await text(
    await docker.buildImage(Readable.from(context), { t: image, rm: true, forcerm: true }),
  );
  assert.match(told, /Successfully built/, told.slice(-2000));
}

it("a host boots with nothing baked in: its user data downloads what it needs", async (t) => {
  await buildBareImage();
  process.env["BERTH_BOOT_IMAGE"] = image;
  await using rig = await openHostRig();
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1);
  const has = (command: string) => rig.run(`${command} >/dev/null 2>&1 && echo yes || true`).catch(() => "");
  const phase = async (name: string, command: string) => {
    await until(async () => (await has(command)).includes("yes"));
    t.diagnostic(`${name}: ${seconds()} s after the launch`);
  };
  const app = rig.push(fromRoot("dockerfiles/go-web"));

  await phase("the launcher has installed the agent", "test -e /usr/local/lib/berth/setup.sh");
  await phase("apt has downloaded, dpkg unpacks", "test -e /usr/bin/dockerd -o -e /usr/sbin/dockerd");
  await phase("everything is configured", "systemctl is-active berth.service");
  await until(async () => (await ask(rig.url)) === 503);
  const report = await rig.release(1, await app);
  t.diagnostic(`the release serves: ${seconds()} s after the launch`);

  assert.deepEqual([report.status, report.serves], ["serving", 1]);
  assert.equal(await ask(rig.url), 200);
});
