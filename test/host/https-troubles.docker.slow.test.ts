import assert from "node:assert/strict";
import {
  AuthorizeSecurityGroupIngressCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { after, before, describe, it } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import type { HttpsNews } from "../../lib/release/certificate.ts";
import { until, webPermission } from "../local/temporary-aws.ts";
import { openAuthorityProxy } from "./authority-proxy.ts";
import { type CertificateRig, hasFailed, isWell, openCertificateRig } from "./certificate-rig.ts";
import type { HostRig } from "./host-rig.ts";
import { setClock } from "./machine-clock.ts";

// An authority on a bad day: it refuses every second nonce, takes its time, and knows no earlier answer.
Object.assign(process.env, {
  PEBBLE_WFE_NONCEREJECT: "50",
  PEBBLE_AUTHZREUSE: "0",
  PEBBLE_VA_NOSLEEP: "0",
  PEBBLE_VA_SLEEPTIME: "4",
});

const chainOf = ({ certificate }: Record<string, unknown>): string | undefined => Object(certificate).chain;

describe("a host whose certificate meets trouble", () => {
  let certificates: CertificateRig;
  let rig: HostRig;
  const run = (script: string) => rig.run(script);
  before(async () => {
    certificates = await openCertificateRig();
    ({ rig } = certificates);
  });
  after(() => certificates?.[Symbol.asyncDispose]());

  it("gets it from an authority that is slow and refuses every second nonce", async () => {
    const { https } = await rig.secure();
    assert.equal(https?.error, undefined);
    assert.equal(await certificates.serve(), "200");
  });

  it("orders another where the bucket's is damaged, another one's, or for another name", async () => {
    const kept = await certificates.read();
    const certificate = Object(kept["certificate"]);
    const begin = "-----BEGIN CERTIFICATE-----";
    for (const damage of [
      "{",
      JSON.stringify({ ...kept, certificate: { ...certificate, chain: begin } }),
      JSON.stringify({ ...kept, certificate: { ...certificate, directory: "https://ca.example/" } }),
    ]) {
      await certificates.write(damage);
      await certificates.look();
      const now = await certificates.readOnce(
        (found) => ![undefined, begin, certificate.chain].includes(chainOf(found)),
      );
      assert.deepEqual(Object(now["certificate"]).names, certificate.names);
      await certificates.hear(isWell);
    }
  });

  it("asks the authority again when to renew, and orders nothing for it", async () => {
    const kept = await certificates.read();
    const { asked, window, certificate } = kept;
    const { names, chain } = Object(certificate);
    const { id, start, until: end } = Object(window);
    assert.deepEqual([Object(asked).id, names.length], [id, 1]);
    // What somebody may have been told before: it would be due long before what the authority says.
    const early = start - 48 * 3600;
    const told = { ...kept, window: { id, start: early, end: early + 1, until: end } };
    const nextOf = ({ next = "" }: HttpsNews) => Date.parse(next) / 1000;
    await certificates.write(JSON.stringify(told));
    await certificates.look();
    await certificates.hear((news) => nextOf(news) < start);
    await certificates.write(JSON.stringify({ ...told, asked: undefined }));
    await certificates.look();
    const now = await certificates.readOnce((found) => Object(found["window"]).start === start);
    assert.deepEqual([now["window"], Object(now["asked"]).id], [window, id]);
    assert.equal(chainOf(now), chain);
    await certificates.hear((news) => isWell(news) && nextOf(news) >= Math.floor(start));
  });

  it("makes a new account where the authority has closed the old one", async () => {
    const { account } = await certificates.read();
    const key = String(Object(account).key);
    await rig.run(`cd /usr/local/lib/berth && PYTHONPATH=/usr/local/lib/berth-launcher python3 -B -c '
import json, certificate, acme_order
from bucket import Bucket
state = certificate.Store(Bucket(json.load(open("/etc/berth/settings.json")))).read()
authority = acme_order.Authority(state["account"]["directory"], state["account"]["key"], None)
authority.client.deactivate_registration(authority.net.account)'`);
    const kept = await certificates.read();
    await certificates.write(JSON.stringify({ account: kept["account"] }));
    await certificates.look();
    await certificates.readOnce(({ account: found }) => ![undefined, key].includes(Object(found).key));
    await certificates.hear(isWell);
  });

  it("says that the authority can't reach it, and recovers", async () => {
    const { ec2 } = rig.clients;
    const { SecurityGroups = [] } = await ec2.send(
      new DescribeSecurityGroupsCommand({ GroupNames: ["host"] }),
    );
    const GroupId = SecurityGroups[0]?.GroupId ?? "";
    const IpPermissions = [webPermission("0.0.0.0/0")];
    await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    await certificates.orderAnew();
    const news = await certificates.hear(hasFailed);
    assert.match(
      await certificates.failure(news),
      /^unreached: failed: the authority couldn't check the name: /,
    );
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    await certificates.look();
    await certificates.hear(isWell);
  });

  it("says that the authority doesn't answer, and recovers", async () => {
    const authority = (await connectDocker()).getContainer(rig.authorityName);
    await authority.pause();
    try {
      await certificates.orderAnew();
      assert.match(
        await certificates.failure(await certificates.hear(hasFailed)),
        /^down: failed: no answer from the authority: /,
      );
    } finally {
      await authority.unpause();
    }
    await certificates.look();
    await certificates.hear(isWell);
  });

  it("says that an order stays pending, and that it is asked too often, and recovers by itself from both", async () => {
    await using proxy = await openAuthorityProxy(run);
    await proxy.have("pending");
    const ordering = certificates.orderAnew();
    await until(async () => (await proxy.takeOrders()).length > 0);
    assert.equal(await certificates.serve(), "200");
    await ordering;
    assert.equal(
      await certificates.failure(await certificates.hear(hasFailed)),
      "late: failed: the authority didn't decide within 60 s: it is busy, and only waiting helps",
    );
    await proxy.have("none");
    await certificates.hear(isWell);

    await proxy.have("limited");
    await proxy.takeOrders();
    await certificates.orderAnew();
    const news = await certificates.hear(hasFailed);
    const told = await certificates.failure(news);
    const [, line, end = ""] = /^(.*) until (.*)$/.exec(told) ?? [];
    assert.equal(
      line,
      "limit: failed: the authority was asked too often: too many new orders recently; it asks to be left alone",
      told,
    );
    assert.ok(Date.parse(news.next ?? "") >= Date.parse(end), `${news.next} is before ${end}`);
    await proxy.have("none");
    await certificates.hear(isWell);
    const [refused = 0, next = 0] = await proxy.takeOrders();
    assert.ok(next - refused >= 12, `it was left alone for ${next - refused} s of 12`);
  });

  it("says that a clock is off, shows the old certificate meanwhile, and the new one once the clock is right", async () => {
    const shown = () => rig.run("cat /var/lib/berth-tls/even.pem");
    const old = await shown();
    await setClock(run, "-10m");
    // Of the certificate in hand, which is younger than that.
    await certificates.hear(({ cause }) => cause === "clock");
    await certificates.orderAnew();
    assert.match(
      await certificates.failure(await certificates.hear(({ cause }) => cause === "clock")),
      /^clock: failed: the new certificate is valid only from \S+Z, and it is \S+Z here: this host's clock or the authority's is off; /,
    );
    assert.equal(await shown(), old);
    const ordered = await certificates.readOnce((found) => !old.includes(chainOf(found) ?? old));
    const chain = chainOf(ordered) ?? "";

    // Beyond a quarter of an hour AWS believes nothing of what the host signs, so that it can report nothing.
    await setClock(run, "-20m");
    await until(() =>
      run("journalctl -u berth | grep -q RequestTimeTooSkewed && echo yes || true").then(Boolean),
    );
    assert.equal(await certificates.serve(), "200");

    await setClock(run, "+0");
    await certificates.hear(isWell);
    assert.ok((await shown()).startsWith(chain));
  });

  it("says that the authority is down", async () => {
    await (await connectDocker()).getContainer(rig.authorityName).kill();
    await certificates.orderAnew();
    assert.match(await certificates.failure(await certificates.hear(hasFailed)), /^down: failed: /);
  });

  it("has words for what no authority here can be brought to do", async () => {
    const told = await rig.run(`cd /usr/local/lib/berth && python3 -B -c '
import requests
from acme import messages
from acme_order import explained
for failure in (
    messages.Error.with_code("caa", detail="CAA record forbids"),
    requests.exceptions.SSLError("certificate is not yet valid"),
):
    said = explained(failure)
    print(said.cause, str(said), sep=": ")'`);
    assert.deepEqual(told.split("\n"), [
      "caa: the authority refused: CAA record forbids",
      "down: the authority's own certificate isn't valid here, or the clock is wrong: certificate is not yet valid",
    ]);
  });
});
