import { FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { exitCodes } from "../lib/errors.ts";
import { printNote, printText } from "../lib/report/terminal.ts";
import { parseCount, runScript } from "../setup/script.ts";
import { requireExit } from "../test/commands/command-line.ts";
import { type Home, Stack } from "../test/commands/stack.ts";
import { writeSourceFolder } from "../test/docker/source-folder.ts";
import { type Answer, loadDuring, lossText } from "../test/host/load.ts";
import { openCompiledHome, runOnHost } from "./booted-host.ts";

const help = `logs: what an app notices that logs 10,000 lines a second, and what becomes of the lines

Usage: node --import tsx bench/logs.ts [seconds]

A host boots on an embedded AWS. Eight clients ask an app in Go for so many seconds (60) while it is silent, and for as many
while its two replicas write 5,000 lines of 100 bytes a second each. Then the lines that CloudWatch took are counted, and
what the host's disk holds of them. The app, the host, the clients and the emulated CloudWatch share this computer.
`;

const replicas = 2;
const linesPerSecond = 5_000;

const talker = {
  "go.mod": "module example.test/app\n\ngo 1.24\n",
  "main.go": `package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var once sync.Once

// Both replicas have to hear of it, and the edge chooses one for each request.
func talk(seconds int) {
	out, padding := bufio.NewWriterSize(os.Stdout, 1<<16), strings.Repeat("x", 80)
	begun := time.Now()
	for line := 0; line < seconds*${linesPerSecond}; line++ {
		fmt.Fprintf(out, "line %012d %s\\n", line, padding)
		if line%50 == 49 {
			out.Flush()
			time.Sleep(time.Until(begun.Add(time.Duration(line+1) * time.Second / ${linesPerSecond})))
		}
	}
	out.Flush()
	fmt.Println("done after", time.Since(begun))
}

func main() {
	http.HandleFunc("/talk", func(w http.ResponseWriter, r *http.Request) {
		seconds, _ := strconv.Atoi(r.URL.Query().Get("seconds"))
		once.Do(func() { go talk(seconds) })
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
`,
};

/** What CloudWatch has of the app: how many of its lines, and how many of them twice. */
async function countTaken(home: Home): Promise<{ readonly lines: number; readonly doubled: number }> {
  const { logs } = await home.clients();
  const seen = new Set<string>();
  let lines = 0;
  let nextToken: string | undefined;
  do {
    const asked = { logGroupName: "/berth/logs", logStreamNamePrefix: "app/", nextToken, limit: 10_000 };
    const answer = await logs.send(new FilterLogEventsCommand(asked));
    for (const { message = "", logStreamName } of answer.events ?? []) {
      if (!message.startsWith("line ")) continue;
      lines += 1;
      seen.add(`${logStreamName} ${message.slice(0, 17)}`);
    }
    nextToken = answer.nextToken;
  } while (nextToken !== undefined);
  return { lines, doubled: lines - seen.size };
}

/** On the host: the engine's logs of all containers, in KiB. */
async function diskOf(home: Home): Promise<number> {
  return Number(await runOnHost(home, "du -sk /var/lib/docker/containers | cut -f1"));
}

function rowOf(name: string, seconds: number, answers: readonly Answer[]): string {
  const times = answers.map(({ durationMs }) => durationMs).toSorted((one, other) => one - other);
  const at = (share: number) =>
    `${(times[Math.floor(share * (times.length - 1))] ?? Number.NaN).toFixed(1)} ms`;
  const cells = [name, (answers.length / seconds).toFixed(0), lossText(answers), at(0.5), at(0.99), at(1)];
  return `| ${cells.join(" | ")} |`;
}

async function measure(home: Home, seconds: number): Promise<void> {
  const stack = new Stack(home, "logs");
  const app = await writeSourceFolder(talker);
  await stack.configure({ source: app.path, lines: [`  replicas: ${replicas}`, "logs: {}"] });
  const first = await stack.up();
  requireExit(first, exitCodes.done);
  const url = String(first.summary["url"]);
  const silent = await loadDuring({ url, pauseMs: 20 }, () => sleep(seconds * 1000));
  const before = await diskOf(home);
  const talking = await loadDuring({ url, pauseMs: 20 }, async () => {
    for (let ask = 0; ask < 10 * replicas; ask += 1) await fetch(`${url}talk?seconds=${seconds}`);
    await sleep(seconds * 1000);
  });
  const written = replicas * linesPerSecond * seconds;
  let taken = await countTaken(home);
  for (let last = -1; taken.lines !== last && taken.lines < written; taken = await countTaken(home)) {
    last = taken.lines;
    await sleep(10_000);
  }
  const disk = await diskOf(home);
  requireExit(await stack.down(), exitCodes.done);
  await app[Symbol.asyncDispose]();
  printText(
    [
      "| the app | requests a second | lost | median | 99 % | slowest |",
      "| --- | --- | --- | --- | --- | --- |",
      rowOf("is silent", seconds, silent.answers),
      rowOf(`writes ${replicas * linesPerSecond} lines a second`, seconds, talking.answers),
      "",
      `${written} lines written, ${taken.lines} taken by CloudWatch, ${taken.doubled} of them twice.`,
      `The host's disk holds ${((disk - before) / 1024).toFixed(0)} MiB more of logs. ${cpus().length} processors.`,
    ].join("\n"),
  );
}

async function bench(seconds: number): Promise<number> {
  await using home = await openCompiledHome();
  printNote("a host boots");
  await measure(home, seconds);
  return exitCodes.done;
}

function parse([seconds = "60", ...others]: readonly string[]): number {
  if (others.length > 0) throw new TypeError(`it takes one argument, and got ${others.length + 1}`);
  return parseCount("seconds", seconds);
}

await runScript({ invocation: "node --import tsx bench/logs.ts", help, parse, run: bench });
