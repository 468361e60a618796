import type { Attack } from "./attack.ts";
import { configuration } from "./configuration.ts";
import { escapes } from "./escapes.ts";
import { exhaustion } from "./exhaustion.ts";
import { forgery } from "./forgery.ts";
import { hostileFiles } from "./hostile-files.ts";
import { hostileReports } from "./hostile-reports.ts";
import { hostileState } from "./hostile-state.ts";
import { hostFiles } from "./host-files.ts";
import { hostRole } from "./host-role.ts";
import { localAws } from "./local-aws.ts";
import { reaches } from "./reach.ts";
import { requestLines } from "./request-lines.ts";
import { resets } from "./resets.ts";
import { sizes } from "./sizes.ts";
import { smuggling } from "./smuggling.ts";

/** On what a host serves and runs, and on the embedded AWS beside it. */
export const onHosts: readonly Attack[] = [
  ...smuggling,
  ...requestLines,
  ...sizes,
  ...forgery,
  ...escapes,
  ...exhaustion,
  ...reaches,
  ...hostRole,
  ...localAws,
  ...hostFiles,
  // These come last, because they empty the whole AWS if they succeed.
  ...resets,
];

/** On commands, by what they read: configuration, source folder, state, reports. */
export const onCommands: readonly Attack[] = [
  ...configuration,
  ...hostileFiles,
  ...hostileState,
  ...hostileReports,
];

export const attacks: readonly Attack[] = [...onCommands, ...onHosts];
