import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import { type Belongings, makeBelongings } from "./belongings.ts";
import { writeCase } from "./case.ts";
import { listLeftovers } from "./leftovers.ts";
import { runSmoke } from "./run-smoke.ts";

const docker = await connectDocker();

/** Uses everything that the user has by its name or path, and writes wherever it can. */
const greedyFile = ({ name, folder }: Belongings) => `
services:
  web:
    image: nginx:1.30-trixie
    container_name: ${name}-container
    ports: ["127.0.0.1::80"]
    command:
      - sh
      - -c
      - >-
        if [ -e /fixed/data ] || [ -e /external/data ]; then exit 9; fi;
        grep -q precious /bound/data && grep -q precious /settings || exit 8;
        for one in /fixed /external /bound /bound-as-volume; do rm -rf $$one/*; echo gone > $$one/data; done;
        echo gone > /settings; exec nginx -g 'daemon off;'
    volumes:
      - fixed:/fixed
      - external:/external
      - by-option:/bound-as-volume
      - ${folder}/bound:/bound
      - ${folder}/settings:/settings
      - /var/lib/unnamed
    networks: [named, default]
  built:
    image: ${name}:mine
    build: .
    init: true
    command: [sleep, "600"]
volumes:
  fixed: {name: ${name}-fixed}
  external: {name: ${name}-external, external: true}
  by-option: {driver_opts: {type: none, o: bind, device: ${folder}/bound}}
networks:
  named: {name: ${name}-network, external: true}
`;

const dockerfile = "FROM debian:trixie-slim\nLABEL made-by=berth-test\n";

describe("what was there before a smoke test is there after it, as it was", () => {
  test("with a file that names volumes, folders, networks, containers and images of the user's", async () => {
    await using belongings = await makeBelongings(docker);
    await using file = await writeCase(greedyFile(belongings), { Dockerfile: dockerfile });
    const before = await belongings.look();

    const { exitCode, errors, summary } = await runSmoke(["--file", file.path]);

    assert.deepEqual(await belongings.look(), before);
    assert.deepEqual(errors, []);
    assert.equal(exitCode, 0);
    const project = summary.project ?? "";
    assert.deepEqual(await listLeftovers(docker, project), []);
    const ours = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
    assert.deepEqual(
      ours.filter((tag) => tag.startsWith(project)),
      [],
    );
  });

  test("with a file that can't be kept from the user's own: it is refused before anything starts", async () => {
    await using file = await writeCase(
      "services: {web: {image: nginx:1.30-trixie, privileged: true, volumes: ['/var/run/docker.sock:/s']}}\n",
    );
    const { exitCode, errors, events, summary } = await runSmoke(["--file", file.path]);
    assert.equal(exitCode, 3);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["NotIsolated"],
    );
    assert.match(errors[0]?.message ?? "", new RegExp(file.path));
    assert.match(
      errors[0]?.detail?.join("\n") ?? "",
      /services\.web\.privileged: .*\n?services\.web\.volumes|services\.web\.volumes: \/var\/run\/docker\.sock/,
    );
    assert.ok(!events.some(({ text }) => text?.startsWith("starting")));
    assert.equal(summary.project, undefined);
  });

  test("a file of which nothing runs is no success", async () => {
    await using file = await writeCase(
      "services: {worker: {image: debian:trixie-slim, command: [sleep, '600'], scale: 0}}\n",
    );
    const { exitCode, errors } = await runSmoke(["--file", file.path]);
    assert.equal(exitCode, 1);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["NothingChecked"],
    );
  });
});
