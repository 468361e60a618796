import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { regionOfName } from "../../../lib/local/account/endpoint-region.ts";
import {
  openAuthority,
  type CertificateAuthority,
} from "../../../lib/local/network/certificate-authority.ts";

describe("the certificate authority", () => {
  let directory: string;
  let authority: CertificateAuthority;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-authority-"));
    authority = await openAuthority(directory);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it("makes nothing for a name that is of no region of AWS, whoever asks for how many", async () => {
    const made = await readdir(directory);
    const names = [
      ...Array.from(
        { length: 20 },
        (_, index) => `sts.aa-b${"-c".repeat(index % 3)}-${index % 10}.amazonaws.com`,
      ),
      ...Array.from({ length: 20 }, (_, index) => `sts.zz-${letters(index)}-1.amazonaws.com`),
      `ec2.us${"-east".repeat(10_000)}-1.amazonaws.com`,
      "ec2.eu-central-9.amazonaws.com",
    ];
    const asked = await Promise.allSettled(names.map((name) => authority.contextFor(regionOfName(name))));
    assert.deepEqual(
      asked.filter(({ status }) => status === "fulfilled"),
      [],
    );
    await assert.rejects(authority.contextFor("../authority"));
    assert.deepEqual(await readdir(directory), made);
  });

  it("makes one certificate a region, and no two at once", async () => {
    const regions = ["eu-central-1", "us-west-2", "eu-west-1", "eu-central-1", "us-west-2", "us-east-1"];
    let most = 0;
    const done = new AbortController();
    const watching = (async () => {
      while (!done.signal.aborted) {
        most = Math.max(most, await countProcesses(directory));
        await sleep(5);
      }
    })();
    const contexts = await Promise.all(regions.map((region) => authority.contextFor(region)));
    done.abort();
    await watching;
    assert.equal(most, 1);
    assert.equal(new Set(contexts).size, 4);
    assert.equal(contexts[0], contexts[3]);
  });

  it("reads the region out of the names that AWS has", () => {
    assert.equal(regionOfName("ec2.ap-southeast-2.amazonaws.com"), "ap-southeast-2");
    assert.equal(regionOfName("1.dkr.ecr.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
    assert.equal(regionOfName("iam.amazonaws.com"), "us-east-1");
  });
});

/** Digits as letters, which a region's name has. */
function letters(index: number): string {
  return String(index).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "");
}

/** Processes at this moment that make something in the directory. */
async function countProcesses(directory: string): Promise<number> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")),
  );
  return commands.filter((line) => line.includes(`certificates.py\0${directory}`)).length;
}
