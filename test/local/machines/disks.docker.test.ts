import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { randomUUID } from "node:crypto";
import type Docker from "dockerode";
import { connectDocker } from "../../../lib/docker/connection.ts";
import { ensureBootImage } from "../../../lib/local/machines/boot-image.ts";
import { diskNumber } from "../../../lib/local/machines/disk-number.ts";
import { Disks, type DiskWish } from "../../../lib/local/machines/disks.ts";

const nothing: DiskWish = { volumes: [], snapshots: [], attachments: [] };
const volume = { id: "vol-1", gib: 1 };

describe("the disks of the embedded AWS", () => {
  const name = `berth-test-disks-${randomUUID().slice(0, 8)}`;
  const number = diskNumber(name);
  const device = `/sys/block/loop${number}`;
  const complaints: string[] = [];
  let docker: Docker;
  let disks: Disks;
  before(async () => {
    docker = await connectDocker();
    const image = await ensureBootImage({ docker });
    disks = new Disks({ docker, image, name, labels: {}, log: (text) => complaints.push(text) });
  });
  after(() => disks[Symbol.asyncDispose]());

  const sectors = async () => Number(await readFile(`${device}/size`, "utf8"));
  const attached = { ...nothing, volumes: [volume], attachments: [{ volume: volume.id, number }] };

  it("aren't there before there is a volume", async () => {
    assert.equal(disks.isStarted, false);
    await assert.rejects(docker.getVolume(name).inspect());
  });

  it("are loop devices as large as their volumes, and grow with them", async () => {
    assert.deepEqual(await disks.set(attached), { attached: { "vol-1": number }, leaving: [] });
    assert.equal(await sectors(), 1024 * 2048);
    await disks.set({ ...attached, volumes: [{ ...volume, gib: 2 }] });
    assert.equal(await sectors(), 2048 * 2048);
    await disks.set({ ...attached, volumes: [{ ...volume, gib: 1 }] });
    assert.equal(await sectors(), 2048 * 2048, "a disk never loses its end");
  });

  it("are taken away when they are detached, and nothing is left at the end", async () => {
    assert.deepEqual((await disks.set({ ...attached, attachments: [] })).attached, {});
    await disks.set(attached);
    await disks[Symbol.asyncDispose]();

    assert.equal(existsSync(device), false);
    await assert.rejects(docker.getVolume(name).inspect());
    assert.deepEqual(complaints, []);
    disks = new Disks({ docker, image: "", name, labels: {}, log: () => {} });
  });
});
