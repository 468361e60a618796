import { partition } from "@aws-sdk/core/client";
import {
  GetConnectionStatusCommand,
  StartSessionCommand,
  type StartSessionCommandInput,
  TerminateSessionCommand,
} from "@aws-sdk/client-ssm";
import { explainAwsError } from "../aws/explanation.ts";
import { setting } from "../aws/environment.ts";
import type { Interrupt } from "../command/command.ts";
import type { Session } from "../command/session.ts";
import { BerthError } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { holdSignals } from "./held-signals.ts";
import { writeWithoutBucket } from "./lease.ts";
import { runPlugin } from "./session-plugin.ts";

/** Nothing that a user says is in it. The host's agent brings the file along. */
const appShell = "sudo sh /usr/local/lib/berth/app_shell.sh";

export type Place = "host" | "app";

/**
 * Opens a shell on a host, or in the app's container there, and returns the plugin's exit code once it has ended. Whatever
 * became of the plugin, the session is over then.
 *
 * @throws BerthError `HostNotConnected`
 */
export async function runShell(
  session: Session,
  { host, place }: { readonly host: string; readonly place: Place },
  interrupt: Interrupt,
): Promise<number> {
  await requireConnected(session, host);
  const { clients, region } = writeWithoutBucket(session);
  const asked: StartSessionCommandInput = {
    Target: host,
    ...(place === "app"
      ? { DocumentName: "AWS-StartInteractiveCommand", Parameters: { command: [appShell] } }
      : {}),
  };
  const signals = holdSignals(interrupt);
  const {
    SessionId = "",
    TokenValue = "",
    StreamUrl = "",
  } = await clients.ssm.send(new StartSessionCommand(asked));
  const input = {
    started: { SessionId, TokenValue, StreamUrl },
    region,
    asked,
    endpoint: endpointOf(region),
  };
  try {
    return await runPlugin(input, signals);
  } finally {
    const ended = clients.ssm.send(new TerminateSessionCommand({ SessionId }));
    await ended.catch((error: unknown) => session.report.message(leftOpen(SessionId, error)));
  }
}

function leftOpen(id: string, error: unknown): string {
  const shown = explainAwsError(error, "shell");
  const reason = shown instanceof Error ? shown.message : String(shown);
  return `warning: it isn't sure that the session ${id} is over (${reason}); aws ssm terminate-session --session-id ${id} ends it, and so does AWS after some idle time`;
}

async function requireConnected({ ctx }: Session, host: string): Promise<void> {
  const { Status } = await ctx.clients.ssm.send(new GetConnectionStatusCommand({ Target: host }));
  if (Status === "connected") return;
  throw new BerthError({
    code: "HostNotConnected",
    message: `${host} isn't connected to Session Manager`,
    hint: `its agent takes some minutes to connect after the up that turned shell on; ${invocation("status")} says what keeps it from running`,
  });
}

/** For the plugin, which resumes a session there when the connection was lost. */
const endpointOf = (region: string): string =>
  setting("AWS_ENDPOINT_URL_SSM") ??
  setting("AWS_ENDPOINT_URL") ??
  `https://ssm.${region}.${partition(region).dnsSuffix}`;
