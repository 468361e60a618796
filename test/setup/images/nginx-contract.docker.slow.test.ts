import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { run } from "../../../setup/child-process.ts";
import { until } from "../../local/temporary-aws.ts";
import { openScratchContainers } from "./scratch-containers.ts";

const image = "nginx:1.30-trixie";
const template = [
  "server {",
  "  listen ${PORT};",
  '  location / { add_header Seen $request_method; return 200 "${GREETING}"; }',
  "}",
].join("\n");

// True of the official image as well: whichever of the two has the tag must pass.
describe(image, () => {
  it("fills templates in from the environment and leaves nginx's own variables", async () => {
    await using containers = await openScratchContainers();
    const path = await containers.file("site.conf.template", template);
    const id = await containers.start([
      "--volume",
      `${path}:/etc/nginx/templates/site.conf.template:ro`,
      "--env",
      "PORT=8081",
      "--env",
      "GREETING=good morning",
      image,
    ]);
    const answer = await containers.untilSucceeds(id, ["curl", "-fsSi", "http://127.0.0.1:8081/"]);
    assert.match(answer, /^Seen: GET\r$/m);
    assert.match(answer, /good morning$/);
  });

  it("runs the steps of /docker-entrypoint.d first", async () => {
    await using containers = await openScratchContainers();
    const step = await containers.file("step.sh", "#!/bin/sh\necho step-was-here > /tmp/seen\n", 0o755);
    const id = await containers.start(["--volume", `${step}:/docker-entrypoint.d/90-step.sh:ro`, image]);
    await containers.untilSucceeds(id, ["curl", "-fsS", "http://127.0.0.1/"]);
    assert.equal(await containers.untilSucceeds(id, ["cat", "/tmp/seen"]), "step-was-here\n");
  });

  it("logs requests to stdout, and works as uid 101", async () => {
    await using containers = await openScratchContainers();
    const id = await containers.start([image]);
    await containers.untilSucceeds(id, ["curl", "-fsS", "http://127.0.0.1/"]);
    await containers.untilSucceeds(id, ["curl", "-sS", "http://127.0.0.1/no-such-page"]);
    // nginx logs a request when its client already has the answer, and the engine reads that later still.
    const logged = async () => (await run("docker", ["logs", id])).stdout;
    await until(async () => /"GET \/no-such-page HTTP\/1\.1" 404/.test(await logged()));
    const owners =
      "for pid in $(grep -l '^nginx: worker' /proc/[0-9]*/cmdline); do stat -c %u ${pid%/cmdline}; done | sort -u";
    assert.equal(await containers.untilSucceeds(id, ["sh", "-c", owners]), "101\n");
  });

  it("runs read-only and without root, where its folders are given", async () => {
    await using containers = await openScratchContainers();
    const path = await containers.file("site.conf", "server { listen 8080; return 204; }\n");
    const id = await containers.start([
      "--read-only",
      "--user",
      "101:101",
      "--cap-drop",
      "ALL",
      "--tmpfs",
      "/var/cache/nginx:uid=101",
      "--tmpfs",
      "/run:uid=101",
      "--tmpfs",
      "/tmp",
      "--volume",
      `${path}:/etc/nginx/conf.d/default.conf:ro`,
      image,
    ]);
    await containers.untilSucceeds(id, ["curl", "-fsS", "http://127.0.0.1:8080/"]);
  });
});
