/** A run that is disturbed, with what exists before it. */
export interface Scenario {
  readonly name: "first" | "change" | "replace" | "renewal" | "down";
  readonly command: "up" | "down";
  /** Settings of the disturbed run and of the one after it. */
  readonly settings: Settings;
}

/** Fields of berth.yaml, added to those of a small stack. */
export interface Settings {
  readonly ingress?: readonly object[];
  readonly instance?: object;
  readonly tags?: Readonly<Record<string, string>>;
  /** These two of the app. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly replicas?: number;
}

/** Creates the whole stack. */
export const first: Scenario = { name: "first", command: "up", settings: {} };

/** Each starts with what `first` left. */
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
  // The only run that lasts until its lease has been renewed. It is killed only at the renewal.
  { name: "renewal", command: "up", settings: { ingress: [{ port: 80, from: "198.51.100.0/24" }] } },
];

/** Starts with what one of the others left. */
export const last: Scenario = { name: "down", command: "down", settings: {} };
