import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { DescribeSessionsCommand } from "@aws-sdk/client-ssm";
import { createClients } from "../../lib/aws/clients.ts";
import { openCli, type Cli } from "../strict-aws/cli.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";
import { type Answer, runOnTerminal } from "./terminal.ts";

/** At the plugin's place: notes what it was started with, and does what a line that is typed says. */
const standIn = (notes: string) => `#!/usr/bin/env python3
import json, os, signal, sys, time
if sys.argv[1:] == ["--version"]:
    print("1.3.0.0")
    sys.exit()
def typed(*_):
    print("the shell got ^C", flush=True)
signal.signal(signal.SIGINT, typed)
notes = {
    "arguments": open(f"/proc/{os.getpid()}/cmdline").read().split("\\0")[2:-1],
    "response": json.loads(os.environ["AWS_SSM_START_SESSION_RESPONSE"]),
    "terminal": os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp(),
}
json.dump(notes, open(${JSON.stringify(notes)}, "w"))
print("sh-5.2$ ", flush=True)
for line in sys.stdin:
    if line.startswith("exit"):
        sys.exit(int(line.split()[1]))
    if line.startswith("crash"):
        os.kill(os.getpid(), signal.SIGKILL)
    if line.startswith("leave"):
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(60)
    print("said:", line.strip(), flush=True)
`;

describe("a shell", () => {
  let directory: string;
  let aws: StrictAws;
  let cli: Cli;
  let host: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-shell-"));
    aws = await startStrictAws({ logDirectory: directory, ecr: true });
    cli = await openCli({ aws, directory, stack: "shelled" });
  });
  after(async () => {
    await cli?.[Symbol.asyncDispose]();
    await aws?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const notes = () => join(directory, "notes.json");
  const clients = (endpoints = aws.bare) =>
    createClients({ region: cli.region, endpoints, credentials: aws.credentials });
  const run = async (exitCode: number, ...[command, ...more]: Parameters<Cli["run"]>) => {
    const ended = await cli.run(command, ...more);
    assert.equal(ended.exitCode, exitCode, ended.stderr + JSON.stringify(ended.events));
    return ended;
  };
  const install = async (): Promise<NodeJS.ProcessEnv> => {
    const bin = join(directory, "bin");
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, "session-manager-plugin"), standIn(notes()), { mode: 0o755 });
    return { ...cli.environment, PATH: `${bin}:${process.env["PATH"]}` };
  };
  const open = async (answers: readonly Answer[], ...args: string[]) => {
    await rm(notes(), { force: true });
    const env = await install();
    return runOnTerminal("provision/shell.ts", ["--config", cli.config, ...args], { env, answers });
  };
  const noted = async () => JSON.parse(await readFile(notes(), "utf8"));
  const openSessions = async () => {
    const { Sessions } = await clients(aws.endpoints).ssm.send(
      new DescribeSessionsCommand({ State: "Active" }),
    );
    return Sessions;
  };
  const sessionCalls = () => aws.calls.filter(({ operation }) => /Session|Connection/.test(operation));
  const policyActions = async () => {
    const role = { RoleName: "berth-shelled-eu-central-1", PolicyName: "berth" };
    const { PolicyDocument = "" } = await clients().iam.send(new GetRolePolicyCommand(role));
    const text = PolicyDocument.startsWith("%") ? decodeURIComponent(PolicyDocument) : PolicyDocument;
    const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(text);
    return Statement.flatMap(({ Action }) => Action).filter((action) => action.startsWith("ssm"));
  };
  const release = async (): Promise<Record<string, unknown>> => {
    const Bucket = "berth-shelled-123456789012-eu-central-1";
    const { Body } = await clients().s3.send(new GetObjectCommand({ Bucket, Key: "release.json" }));
    return JSON.parse((await Body?.transformToString()) ?? "");
  };

  it("is refused unless berth.yaml says so, and neither role nor release has anything for it", async () => {
    await run(0, "up", "--yes");
    assert.deepEqual(await policyActions(), []);
    assert.equal("shell" in (await release()), false);
    const { screen, exitCode } = await open([]);
    assert.equal(exitCode, 3, screen);
    assert.match(screen, /berth\.yaml has no shell: true/);
    assert.match(screen, /add shell: true to berth\.yaml, then berth up/);
    assert.deepEqual(sessionCalls(), []);
  });

  it("isn't tried on a host that Session Manager doesn't know", async () => {
    await cli.configure({ shell: true });
    const { screen, exitCode } = await open([]);
    assert.equal(exitCode, 1, screen);
    assert.match(screen, /i-[0-9a-f]+ isn't connected to Session Manager/);
    assert.deepEqual(await openSessions(), []);
  });

  it("needs what AWS lists for Session Manager, and no more, in the host's role", async () => {
    await run(0, "up", "--yes");
    assert.deepEqual(await policyActions(), [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]);
    assert.equal((await release())["shell"], true);
    await run(0, "plan");
  });

  it("is the plugin's, with the terminal, and the token is in no argument", async () => {
    const { screen, exitCode } = await open([
      ["sh-5.2$", "uptime\n"],
      ["said: uptime", "exit 0\n"],
    ]);
    assert.equal(exitCode, 0, screen);
    const { arguments: given, response, terminal } = await noted();
    const { Reservations = [] } = await clients().ec2.send(new DescribeInstancesCommand({}));
    host = Reservations[0]?.Instances?.[0]?.InstanceId ?? "";
    assert.deepEqual(given, [
      "AWS_SSM_START_SESSION_RESPONSE",
      "eu-central-1",
      "StartSession",
      "",
      JSON.stringify({ Target: host }),
      aws.endpoints.ssm,
    ]);
    assert.equal(terminal, true);
    assert.deepEqual(Object.keys(response).toSorted(), ["SessionId", "StreamUrl", "TokenValue"]);
    assert.match(response.StreamUrl, new RegExp(`/data-channel/${response.SessionId}\\?`));
    assert.ok(response.TokenValue.length > 80);
    assert.ok(!screen.includes(response.TokenValue));
    assert.deepEqual(await openSessions(), []);
  });

  it("in the app runs one fixed command", async () => {
    const { screen, exitCode } = await open([["sh-5.2$", "exit 0\n"]], "--app", "--host", host);
    assert.equal(exitCode, 0, screen);
    const { arguments: given } = await noted();
    assert.deepEqual(JSON.parse(given[4]), {
      Target: host,
      DocumentName: "AWS-StartInteractiveCommand",
      Parameters: { command: ["sudo sh /usr/local/lib/berth/app_shell.sh"] },
    });
  });

  it("gets Ctrl-C itself, and goes on", async () => {
    const { screen, exitCode } = await open([
      ["sh-5.2$", "\x03"],
      ["the shell got ^C", "\x03"],
      ["the shell got ^C", "still here\n"],
      ["said: still here", "exit 0\n"],
    ]);
    assert.equal(exitCode, 0, screen);
    assert.doesNotMatch(screen, /stopping/);
    assert.deepEqual(await openSessions(), []);
  });

  for (const [line, code] of [
    ["exit 7", 7],
    ["crash", 137],
    ["leave", 130],
  ] as const)
    it(`is over in AWS too after ${line}, and the exit code is ${code}`, async () => {
      const { screen, exitCode } = await open([["sh-5.2$", `${line}\n`]]);
      assert.equal(exitCode, code, screen);
      assert.deepEqual(await openSessions(), []);
    });

  it("says how to end a session that AWS didn't take the end of", async () => {
    aws.faults.once("ssm:TerminateSession", "denied");
    const { screen, exitCode } = await open([["sh-5.2$", "exit 0\n"]]);
    assert.equal(exitCode, 0, screen);
    const { SessionId = "" } = (await openSessions())?.[0] ?? {};
    assert.match(screen, new RegExp(`aws ssm terminate-session --session-id ${SessionId}`));
  });

  it("is refused where nobody could use it, and on a host of somebody else", async () => {
    const { events } = await run(3, "shell");
    assert.match(JSON.stringify(events), /it has no --json/);
    const { screen, exitCode } = await open([], "--host", "i-00000000000000000");
    assert.equal(exitCode, 3, screen);
    assert.match(screen, /has no host "i-00000000000000000", only: i-/);
  });

  it("goes again, from role and release, when berth.yaml no longer has it", async () => {
    await cli.configure();
    await run(0, "up", "--yes");
    assert.deepEqual(await policyActions(), []);
    assert.equal("shell" in (await release()), false);
    await run(0, "down", "--yes");
  });
});
