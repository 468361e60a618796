import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { lossText } from "../host/load.ts";
import { until } from "../local/temporary-aws.ts";
import { errorOf } from "./agent-rig.ts";
import { requireExit } from "./command-line.ts";
import { MishapRig, rowOf } from "./mishap-rig.ts";

/** Of S3's silence. */
const awayS = Number(process.env["BERTH_AWAY_SECONDS"] ?? 20);
const fullS = 8;

/** A small disk in the place of all that engine and agent keep, with what they hold. A machine's own disk is this computer's. */
const useSmallDisk = `set -e
  systemctl stop berth-launcher.service berth.service docker.socket docker.service containerd.service
  mkdir /small; mount -t tmpfs -o size=400m,mode=755 small /small
  for folder in /var/lib/docker /var/lib/containerd /var/lib/berth /var/lib/berth-launcher /var/log/berth; do
    cp -a --parents $folder /small; mount --bind /small$folder $folder
  done
  systemctl start containerd.service docker.socket docker.service berth-launcher.service berth.service`;

/** To the last byte, also of what others free meanwhile. */
const fill = `! dd if=/dev/zero of=/small/filler bs=64k 2>/dev/null
  until ! dd if=/dev/zero of=/small/filler2 bs=1 oflag=append conv=notrunc 2>/dev/null && df --output=avail /small | grep -qx ' *0'
  do :; done`;
const empty = "rm /small/filler*";

/** The bucket's address answers with nothing at all, as behind a broken route. */
const silence = "iptables -t raw -I OUTPUT -p tcp --dport 443 -j DROP";
const speak = silence.replace("-I", "-D");

describe("a host that can't carry out a release for a while", () => {
  let rig: MishapRig;
  before(async () => {
    rig = await MishapRig.open();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const runs = (number: number) => `app-${number}-0 running app-${number}-1 running`;

  it("does so once S3 answers again, and up waits for that", async (t) => {
    const shipped = await rig.ship({
      strike: `${silence}; sleep ${awayS}; ${speak}`,
    });
    t.diagnostic(rowOf(`S3 away for ${awayS} s`, shipped));
    requireExit(shipped.up, 0);
    assert.equal(lossText(shipped.answers), "0");
    assert.equal(await rig.containers(), runs(shipped.number));
  });

  it("puts the release before back if it is clearly worse, and up ends with 5 and says so", async (t) => {
    const shipped = await rig.ship({ isWorse: true });
    const { number, up } = shipped;
    t.diagnostic(rowOf("clearly worse than the release before", shipped));
    requireExit(up, 5);
    const { code, message } = errorOf(up) ?? {};
    assert.equal(code, "ReleaseUnhealthy");
    const reason =
      /clearly worse \(app\.rollbackWhenWorse\), so release \d+ was put back; release \d+ still serves$/;
    assert.match(String(message), reason);
    assert.equal(await rig.containers(), runs(number - 1));
    const [latest, earlier] = await rig.history();
    assert.deepEqual(
      [latest?.slice(0, 2), earlier?.slice(0, 2)],
      [
        [number, "failed"],
        [number - 1, "serves"],
      ],
    );
    assert.match(String(latest?.[2]), reason);
  });

  it("does so once its full disk has room again", async (t) => {
    await rig.run(useSmallDisk);
    await until(async () => (await rig.run("systemctl is-active berth.service || true")) === "active");
    const shipped = await rig.ship({
      strike: `${fill}\nsleep ${fullS}; ${empty}`,
    });
    t.diagnostic(rowOf(`a full disk for ${fullS} s`, shipped));
    requireExit(shipped.up, 0);
    assert.equal(lossText(shipped.answers), "0");
    assert.equal(await rig.containers(), runs(shipped.number));
  });

  it("says why if its disk stays full, and serves the release before until there is room", async (t) => {
    const shipped = await rig.ship({ strike: fill });
    const { number, up, answers } = shipped;
    t.diagnostic(rowOf("a disk that stays full", shipped));
    requireExit(up, 5);
    const { message, hint } = errorOf(up) ?? {};
    assert.match(
      String(message),
      new RegExp(`the host's disk is full: .*; release ${number - 1} still serves$`),
    );
    assert.match(String(hint), /^the host goes on trying: make room on its disk/);
    assert.equal(lossText(answers), "0");
    const [failed] = await rig.history();
    assert.deepEqual(failed?.slice(0, 2), [number, "failed"]);

    await rig.run(empty);
    await until(async () => (await rig.containers()) === runs(number));
    await until(async () => (await rig.history())[0]?.[1] === "serves");
    assert.match(String((await rig.history())[0]?.[2]), /the host's disk is full/);
    const again = await rig.stack.up();
    requireExit(again, 0);
    assert.equal(again.summary["outcome"], "unchanged");
  });
});
