/** A run that is disturbed, and what there is before it. */
export interface Scenario {
  readonly name: "first" | "change" | "replace" | "renewal" | "down";
  readonly command: "up" | "down";
  /** Settings under which the disturbed run, and the one after it, are made. */
  readonly settings: Settings;
}

/** Of berth.yaml, over what a small stack needs. */
export interface Settings {
  readonly ingress?: readonly object[];
  readonly instance?: object;
  readonly tags?: Readonly<Record<string, string>>;
  /** These two of the app. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly replicas?: number;
}

/** Brings up what isn't there. */
export const first: Scenario = { name: "first", command: "up", settings: {} };

/** Each finds what `first` left. */
export const middles: readonly Scenario[] = [
  {
    name: "change",
    command: "up",
    settings: {
      environment: { GREETING: "after" },
      ingress: [{ port: 80 }, { port: 443, from: "198.51.100.0/24" }],
    },
  },
  { name: "replace", command: "up", settings: { instance: { diskGib: 12 } } },
  // Lasts until its lease has been renewed, which the others never do, and is killed there alone.
  { name: "renewal", command: "up", settings: { ingress: [{ port: 80, from: "198.51.100.0/24" }] } },
];

/** Finds what one of the others left. */
export const last: Scenario = { name: "down", command: "down", settings: {} };
