import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { systemCodeOf } from "../../lib/system-errors.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { until } from "../local/temporary-aws.ts";
import { greetingApp } from "./apps.ts";
import { requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

interface Answer {
  readonly atMs: number;
  /** A status, or a system's or TLS's code where there was no answer. */
  readonly said: string;
  /** Of the certificate that was shown. */
  readonly serial?: string | undefined;
}

/** Nobody closes the connections of a host that is gone. */
const patienceMs = 30_000;

/** One request on a connection of its own, by a client that trusts the one authority. */
function ask(url: string, ca: string): Promise<Answer> {
  const atMs = Date.now();
  return new Promise((resolve) => {
    const asked = request(url, { ca, agent: false, timeout: patienceMs }, (response) => {
      const { socket } = response;
      const serial = socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : undefined;
      response.resume().once("end", () => resolve({ atMs, said: String(response.statusCode), serial }));
    });
    asked
      .once("timeout", () => asked.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })))
      .once("error", (error) => resolve({ atMs, said: systemCodeOf(error) ?? String(error) }))
      .end();
  });
}

/** What eight clients got while something was done, and in fifty requests before and after it, in the order in which they asked. */
async function askAround(url: string, ca: string, during: () => Promise<void>): Promise<Answer[]> {
  const answers: Answer[] = [];
  const ended = new AbortController();
  const clients = Array.from({ length: 8 }, async () => {
    while (!ended.signal.aborted) {
      answers.push(await ask(url, ca));
      await sleep(20);
    }
  });
  const askFifty = async () => {
    const beganMs = Date.now();
    await until(() => answers.filter(({ atMs }) => atMs > beganMs).length >= 50);
  };
  await askFifty()
    .then(during)
    .then(askFifty)
    .finally(() => ended.abort());
  await Promise.all(clients);
  return answers.toSorted((one, other) => one.atMs - other.atMs);
}

async function findHost(home: Home): Promise<string | undefined> {
  const { ec2 } = await home.clients();
  const Filters = [{ Name: "instance-state-name", Values: ["running"] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId }) => InstanceId)[0];
}

test("a host that is replaced under load hands its address and its certificate over", async (t) => {
  await using home = await openHome();
  await using app = await writeSourceFolder(greetingApp("hello"));
  const stack = new Stack(home, "replaced");
  await stack.configure({ source: app.path, isSecure: true });
  const first = await stack.up();
  requireExit(first, 0);
  const url = String(first.summary["url"]);
  const authority = await readFile(join(home.directory, "local/web-authority.pem"), "utf8");
  const earlier = await findHost(home);

  await stack.configure({ source: app.path, isSecure: true, lines: ["instance: { diskGib: 9 }"] });
  let doneMs = 0;
  const answers = await askAround(url, authority, async () => {
    requireExit(await stack.up(), 0);
    doneMs = Date.now();
  });
  const lost = answers.filter(({ said }) => said !== "200");
  const [from = 0, to = 0] = [lost[0]?.atMs, lost.at(-1)?.atMs];
  const kinds = new Map<string, number>();
  for (const { said } of answers) kinds.set(said, (kinds.get(said) ?? 0) + 1);
  t.diagnostic(
    `${answers.length} requests: ${JSON.stringify([...kinds])}; the lost ones within ${((to - from) / 1000).toFixed(2)} s`,
  );

  assert.notEqual(await findHost(home), earlier);
  assert.equal(new Set(answers.flatMap(({ serial }) => serial ?? [])).size, 1);
  // The old host's connections may end with it. Nobody is ever shown an error of the app, the edge or TLS.
  assert.deepEqual(
    [...kinds.keys()].filter((said) => !["200", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"].includes(said)),
    [],
  );
  const later = answers.filter(({ atMs }) => atMs > doneMs);
  assert.deepEqual([...new Set(later.map(({ said }) => said))], ["200"]);
  requireExit(await stack.down(), 0);
});
