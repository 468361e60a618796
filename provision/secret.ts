import { text } from "node:stream/consumers";
import { parseSource } from "../lib/aws/secrets.ts";
import { badArguments } from "../lib/command/flags.ts";
import { type CommandSpec, type Outcome, runCommand } from "../lib/command/command.ts";
import type { Session } from "../lib/command/session.ts";
import { writeWithoutBucket } from "../lib/deploy/lease.ts";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { invocation } from "../lib/invocation.ts";
import { setParameter } from "../lib/resources/storage/parameter.ts";

/** AWS's limit for a standard parameter, which costs nothing. */
const mostBytes = 4096;

async function set(session: Session): Promise<Outcome> {
  const { config, report, flags } = session;
  const [variable = ""] = flags.operands;
  const parameterName = parameterOf(session, variable);
  const value = await readValue(variable);
  // The first `up` needs the value, and without it there is no bucket for a lease. One call writes all, and the last one counts.
  const { version, isNew } = await setParameter(writeWithoutBucket(session), {
    stack: config.stack,
    variable,
    parameterName,
    value,
    userTags: config.tags,
  });
  const lines = [
    `${parameterName} is now version ${version}${isNew ? `; it is ${config.stack}'s, and goes with it` : ""}`,
    `the app gets it with the next release: ${invocation("up")}`,
  ];
  report.data("secret", { variable, source: `ssm:${parameterName}`, version }, lines);
  return { outcome: "done", exitCode: exitCodes.done };
}

function parameterOf({ config }: Session, variable: string): string {
  const { secrets } = config.app;
  const known = Object.keys(secrets).join(", ") || "none";
  if (variable === "")
    throw badArguments(`it isn't said which secret; app.secrets has: ${known}`, "secret set");
  const source = Object.hasOwn(secrets, variable) ? secrets[variable] : undefined;
  if (source === undefined)
    throw badArguments(`app.secrets has no ${variable}, only: ${known}`, "secret set");
  const { service, name } = parseSource(source);
  if (service === "ssm") return name;
  throw badArguments(
    `${variable} is in Secrets Manager, which has its own rotation; set it there: aws secretsmanager put-secret-value --secret-id ${name}`,
    "secret set",
  );
}

/** From standard input alone: arguments are in the list of processes and in the shell's history. */
async function readValue(variable: string): Promise<string> {
  if (process.stdin.isTTY) throw noInput(variable, "it is a terminal, which would show what is typed");
  const value = (await text(process.stdin)).replace(/\r?\n$/, "");
  if (value === "") throw noInput(variable, "it is empty");
  if (value.includes("\0")) throw noInput(variable, "it holds a NUL, which no environment can");
  const bytes = Buffer.byteLength(value);
  if (bytes > mostBytes)
    throw noInput(variable, `it is ${bytes} bytes long, and SSM takes at most ${mostBytes}`);
  return value;
}

function noInput(variable: string, why: string): BerthError {
  return new BerthError({
    code: "NoSecretValue",
    message: `the value of ${variable} is read from standard input, and ${why}`,
    hint: `pass it by a pipe or from a file: ${invocation(`secret set ${variable}`)} < FILE`,
    exitCode: exitCodes.badInput,
  });
}

await runCommand({
  name: "secret",
  summary: "gives a secret of app.secrets its value",
  commands: [
    {
      name: "secret set",
      summary: "reads the value from standard input and puts it into SSM, encrypted",
      usesSource: false,
      operands: "NAME",
      examples: [
        ["pass show shop/db | berth secret set DATABASE_URL", "from a password manager"],
        ["berth secret set DATABASE_URL < url.txt", "from a file"],
      ],
      help: [
        "NAME is a variable of app.secrets. One line end at the end of the input is left out.",
        "Nothing that runs changes before the next up.",
        "Exit codes: 0 done, 1 failed, 3 bad input, 130 interrupted.",
      ],
      run: set,
    },
  ] satisfies CommandSpec[],
});
