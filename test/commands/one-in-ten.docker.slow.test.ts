import assert from "node:assert/strict";
import { test } from "node:test";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { type Answer, askMany, lossesOf, lossText } from "../host/load.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { type Finished, requireExit } from "./command-line.ts";
import { openHome, Stack } from "./stack.ts";

const [gets, posts] = [10_000, 1_000];

/** Which requests reached which replica: each counts its own, answers with the number, and logs it if it fails the request. */
class Tries {
  readonly #highest = new Map<string, number>();

  note(replica: string, number: number): void {
    this.#highest.set(replica, Math.max(number, this.#highest.get(replica) ?? 0));
  }

  noteAll(answers: readonly Answer[]): void {
    for (const { body } of answers) {
      const [, replica, number] = /^Hello from (\S+)\. This is request (\d+)\./.exec(body) ?? [];
      if (replica !== undefined) this.note(replica, Number(number));
    }
  }

  get sum(): number {
    return [...this.#highest.values()].reduce((total, one) => total + one, 0);
  }
}

interface Counted {
  readonly tries: number;
  readonly errors: number;
}

function appOf({ events }: Finished): Counted {
  const app: unknown = events.find(({ event }) => event === "status")?.["app"];
  const figures: Record<string, unknown> = typeof app === "object" && app !== null ? { ...app } : {};
  return { tries: Number(figures["tries"] ?? 0), errors: Number(figures["errors"] ?? 0) };
}

test("an app that fails one request in ten fails hardly a GET, is said to, and gets no POST twice", async (t) => {
  await using home = await openHome();
  const stack = new Stack(home, "hello");
  await stack.configure({ source: fromRoot("dockerfiles/go-web") });
  const up = await stack.up();
  requireExit(up, 0);
  const url = String(up.summary["url"]);
  const { ec2 } = await home.clients();
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const [instance = ""] = Reservations.flatMap(({ Instances = [] }) => Instances).map(
    ({ InstanceId }) => InstanceId,
  );
  const run = async (script: string) => runInMachine(await connectDocker(), instance, script);
  const tries = new Tries();
  const noteLogs = async () => {
    for (const name of ["app-1-0", "app-1-1"]) {
      const host = await run(`docker inspect --format '{{.Config.Hostname}}' ${name}`);
      const log = await run(`docker logs ${name} 2>&1`);
      for (const [, number] of log.matchAll(/request (\d+) failed/g)) tries.note(host, Number(number));
    }
  };

  const beganMs = performance.now();
  const got = await askMany({ url, pauseMs: 10 }, gets);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  tries.noteAll(got);
  await noteLogs();
  const afterGets = tries.sum;
  t.diagnostic(`${gets} GETs in ${seconds} s: lost ${lossText(got)}; ${afterGets} tries`);
  assert.ok([...lossesOf(got).values()].reduce((total, one) => total + one, 0) < 10);

  const posted = await askMany({ url, method: "POST", pauseMs: 10 }, posts);
  tries.noteAll(posted);
  await noteLogs();
  t.diagnostic(`${posts} POSTs: lost ${lossText(posted)}; ${tries.sum - afterGets} tries`);
  assert.equal(tries.sum - afterGets, posts);
  const failed = lossesOf(posted).get("500") ?? 0;
  assert.ok(failed > 50 && failed < 150, `${failed} of ${posts} POSTs failed`);
  assert.deepEqual([...lossesOf(posted).keys()], ["500"]);

  const fresh = await stack.status("--fresh");
  const counted = appOf(fresh);
  assert.ok(counted.tries >= gets + posts, JSON.stringify(fresh.events, null, 1));
  const share = counted.errors / counted.tries;
  t.diagnostic(`status: ${counted.errors} of ${counted.tries} tries failed, ${(share * 100).toFixed(1)} %`);
  assert.ok(share > 0.08 && share < 0.12, `${share} of the tries failed`);
  requireExit(await stack.down(), 0);
});
