import type { Settings } from "../crash/scenarios.ts";

const wide = "0.0.0.0/0";

/** What may stand in berth.yaml. Port 80 is always open to all: that is a rule that somebody may take away. */
export const choices = {
  ingress: [
    [{ port: 80, from: [wide] }],
    [
      { port: 80, from: [wide] },
      { port: 443, from: [wide] },
    ],
    [
      { port: 80, from: [wide] },
      { port: 443, from: ["198.51.100.0/24", "192.0.2.0/24"] },
    ],
    [
      { port: 80, from: [wide] },
      { port: 8443, from: ["198.51.100.0/24"] },
    ],
  ],
  tags: [{ Team: "harbour" }, { Team: "pilots" }, { Team: "pilots", Quay: "7" }],
  environment: [{ GREETING: "hello" }, { GREETING: "good day" }, { GREETING: "hello", DEPTH: "12" }],
  replicas: [1, 2, 3],
  diskGib: [8, 10, 12],
  type: ["t3.micro", "t3.small", "t3.medium"],
  /** Of the app's source. */
  version: [1, 2, 3, 4, 5],
} as const;

export type Setting = keyof typeof choices;

export const settingNames: readonly Setting[] = [
  "ingress",
  "tags",
  "environment",
  "replicas",
  "diskGib",
  "type",
  "version",
];

/** Which of its choices each setting has now. */
export type Wishes = Readonly<Record<Setting, number>>;

export const firstWishes: Wishes = {
  ingress: 0,
  tags: 0,
  environment: 0,
  replicas: 1,
  diskGib: 0,
  type: 0,
  version: 0,
};

/** The desired settings, with their values. */
export interface Wished {
  readonly ingress: readonly { readonly port: number; readonly from: readonly string[] }[];
  readonly tags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly diskGib: number;
  readonly type: string;
  readonly version: number;
}

export function spellOut(wishes: Wishes): Wished {
  return {
    ingress: chosen(choices.ingress, wishes.ingress),
    tags: chosen(choices.tags, wishes.tags),
    environment: chosen(choices.environment, wishes.environment),
    replicas: chosen(choices.replicas, wishes.replicas),
    diskGib: chosen(choices.diskGib, wishes.diskGib),
    type: chosen(choices.type, wishes.type),
    version: chosen(choices.version, wishes.version),
  };
}

function chosen<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`There is no choice ${index}`);
  return found;
}

/** For berth.yaml. */
export function settingsOf({ ingress, tags, environment, replicas, diskGib, type }: Wished): Settings {
  return { ingress, tags, environment, replicas, instance: { diskGib, type } };
}

export const appOf = ({ version }: Wished): string => `version ${version}\n`;
