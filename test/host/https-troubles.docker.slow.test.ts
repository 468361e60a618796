import assert from "node:assert/strict";
import {
  AuthorizeSecurityGroupIngressCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { after, before, describe, it } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { type HttpsNews, httpsLines } from "../../lib/release/certificate.ts";
import { until, webPermission } from "../local/temporary-aws.ts";
import { type HostRig, openHostRig } from "./host-rig.ts";

// An authority on a bad day: it refuses every second nonce, takes its time, and knows no earlier answer.
Object.assign(process.env, {
  PEBBLE_WFE_NONCEREJECT: "50",
  PEBBLE_AUTHZREUSE: "0",
  PEBBLE_VA_NOSLEEP: "0",
  PEBBLE_VA_SLEEPTIME: "4",
});

const Key = "tls/state.json";

describe("a host whose certificate meets trouble", () => {
  let rig: HostRig;
  before(async () => {
    rig = await openHostRig();
    await rig.release(1, await rig.push(fromRoot("test/apps/realtime")), { memoryMib: 128 });
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const write = (Body: string) =>
    rig.clients.s3.send(new PutObjectCommand({ Bucket: rig.bucket, Key, Body }));
  const read = async (): Promise<Record<string, unknown>> => {
    const { Body } = await rig.clients.s3.send(new GetObjectCommand({ Bucket: rig.bucket, Key }));
    return JSON.parse((await Body?.transformToString()) ?? "");
  };
  const look = () => rig.run("systemctl start berth-certificate.service");

  /** The next report whose news are as they should be. */
  async function hear(isExpected: (news: HttpsNews) => boolean): Promise<HttpsNews> {
    let news: HttpsNews | undefined;
    await until(async () => {
      news = (await rig.report())?.https;
      return news !== undefined && isExpected(news);
    });
    return news ?? Promise.reject(new Error("The host reported nothing"));
  }

  const hasFailed = ({ error }: HttpsNews) => error !== undefined;
  const isWell = ({ error, certificate }: HttpsNews) => error === undefined && certificate !== undefined;

  /** Whether the app answers by HTTPS, whatever the certificate. */
  const serve = () =>
    rig.run(`python3 -c '
import ssl, urllib.request
print(urllib.request.urlopen("https://127.0.0.1/", context=ssl._create_unverified_context()).status)'`);

  /** What `status` says of a failure, on one line. The app is served all the while. */
  async function failure(news: HttpsNews): Promise<string> {
    const [line, ...others] = httpsLines(news).filter((one) => one.includes("failed"));
    assert.deepEqual(others, []);
    assert.doesNotMatch(line ?? "", /\n/);
    assert.equal(await serve(), "200");
    return `${news.cause}: ${line?.trim()}`;
  }

  /** Has the host order anew, as one does that finds nothing in the bucket. */
  async function orderAnew(): Promise<void> {
    await write("{}");
    await look();
  }

  it("gets it from an authority that is slow and refuses every second nonce", async () => {
    const { https } = await rig.secure();
    assert.equal(https?.error, undefined);
    assert.equal(await serve(), "200");
  });

  it("orders another where the bucket's is damaged, another one's, or for another name", async () => {
    const kept = await read();
    const certificate = Object(kept["certificate"]);
    for (const damage of [
      "{",
      JSON.stringify({ ...kept, certificate: { ...certificate, chain: "-----BEGIN CERTIFICATE-----" } }),
      JSON.stringify({ ...kept, certificate: { ...certificate, directory: "https://ca.example/" } }),
    ]) {
      await write(damage);
      await look();
      const now = Object((await read())["certificate"]);
      assert.deepEqual(now.names, certificate.names);
      assert.notEqual(now.chain, certificate.chain);
      await hear(isWell);
    }
  });

  it("makes a new account where the authority has closed the old one", async () => {
    const { account } = await read();
    const key = String(Object(account).key);
    await rig.run(`cd /usr/local/lib/berth && PYTHONPATH=/usr/local/lib/berth-launcher python3 -B -c '
import json, certificate, acme_order
from bucket import Bucket
state = certificate.Store(Bucket(json.load(open("/etc/berth/settings.json")))).read()
authority = acme_order.Authority(state["account"]["directory"], state["account"]["key"], None)
authority.client.deactivate_registration(authority.net.account)'`);
    const kept = await read();
    await write(JSON.stringify({ account: kept["account"] }));
    await look();
    const news = await hear(isWell);
    assert.equal(news.error, undefined);
    assert.notEqual(String(Object((await read())["account"]).key), key);
  });

  it("says that the authority can't reach it, and recovers", async () => {
    const { ec2 } = rig.clients;
    const { SecurityGroups = [] } = await ec2.send(
      new DescribeSecurityGroupsCommand({ GroupNames: ["host"] }),
    );
    const GroupId = SecurityGroups[0]?.GroupId ?? "";
    const IpPermissions = [webPermission("0.0.0.0/0")];
    await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    await orderAnew();
    const news = await hear(hasFailed);
    assert.match(await failure(news), /^unreached: failed once: the authority couldn't check the name: /);
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    await look();
    await hear(isWell);
  });

  it("says that the authority doesn't answer, and recovers", async () => {
    const authority = (await connectDocker()).getContainer(rig.authorityName);
    await authority.pause();
    try {
      await orderAnew();
      assert.match(
        await failure(await hear(hasFailed)),
        /^down: failed once: no answer from the authority: /,
      );
    } finally {
      await authority.unpause();
    }
    await look();
    await hear(isWell);
  });

  it("says that the authority is down", async () => {
    await (await connectDocker()).getContainer(rig.authorityName).kill();
    await orderAnew();
    assert.match(await failure(await hear(hasFailed)), /^down: failed once: /);
  });

  it("has words for what no authority here can be brought to do", async () => {
    const told = await rig.run(`cd /usr/local/lib/berth && python3 -B -c '
import requests
from acme import errors, messages
from acme_order import explained
for failure in (
    messages.Error.with_code("rateLimited", detail="too many certificates already issued"),
    messages.Error.with_code("caa", detail="CAA record forbids"),
    errors.TimeoutError(),
    requests.exceptions.SSLError("certificate is not yet valid"),
):
    said = explained(failure)
    print(said.cause, str(said), sep=": ")'`);
    assert.deepEqual(told.split("\n"), [
      "limit: the authority refused: too many certificates already issued",
      "caa: the authority refused: CAA record forbids",
      "late: the authority didn't decide within 60 s",
      "down: the authority's own certificate isn't valid here, or the clock is wrong: certificate is not yet valid",
    ]);
  });
});
