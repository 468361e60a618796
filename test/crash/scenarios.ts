/** A run that is disturbed, with what exists before it. */
export interface Scenario {
  readonly name: "first" | "change" | "replace" | "reduce" | "rollback" | "renewal" | "down";
  readonly command: "up" | "rollback" | "down";
  /** Further arguments of the command. */
  readonly words?: readonly string[];
  /** Settings of the disturbed run and of the one after it. */
  readonly settings: Settings;
  /** Runs before it, undisturbed. */
  readonly after?: Scenario;
  /** Some of what `down` can be killed at is gone after this. */
  readonly leavesLess?: true;
}

/** Fields of berth.yaml, added to those of a small stack. */
export interface Settings {
  readonly ingress?: readonly object[];
  readonly https?: object;
  readonly instance?: object;
  readonly tags?: Readonly<Record<string, string>>;
  /** These two of the app. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly volumes?: Readonly<Record<string, string>>;
  readonly logs?: object;
  readonly alarms?: { readonly email: string };
  readonly dashboard?: boolean;
}

/** Every stack of the matrix has data, which is attached first, moves to another host, and is deleted. */
export const volumes = { uploads: "/app/uploads" };

/** What is watched, and who is told. */
const watched = { logs: {}, alarms: { email: "ops@example.com" }, dashboard: true };

/** Creates the whole stack. */
export const first: Scenario = { name: "first", command: "up", settings: { volumes, ...watched } };

const change: Scenario = {
  name: "change",
  command: "up",
  settings: {
    volumes,
    ...watched,
    alarms: { email: "new@example.com" },
    environment: { GREETING: "after" },
    https: {},
    ingress: [{ port: 80 }, { port: 443, from: "198.51.100.0/24" }],
  },
};

/** Each starts with what `first` left. */
export const middles: readonly Scenario[] = [
  change,
  {
    name: "replace",
    command: "up",
    settings: { volumes, ...watched, instance: { diskGib: 12, dataGib: 9 } },
  },
  // What watched it goes, but not the log group: it holds what was logged.
  { name: "reduce", command: "up", settings: { volumes }, leavesLess: true },
  // Back to what `first` shipped, with the source and the settings of now.
  { name: "rollback", command: "rollback", words: ["1"], settings: change.settings, after: change },
  // The only run that lasts until its lease has been renewed. It is killed only at the renewal.
  {
    name: "renewal",
    command: "up",
    settings: {
      volumes,
      ...watched,
      https: {},
      ingress: [{ port: 80 }, { port: 443, from: "192.0.2.0/24" }],
    },
  },
];

/** Starts with what one of the others left. */
export const last: Scenario = { name: "down", command: "down", words: ["--delete-data"], settings: {} };
