/** Files that are mutated together, and their tests that take only seconds and need no emulator. */
export interface Room {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
}

const below = (folder: string, ...names: readonly string[]) =>
  names.map((name) => `test/${folder}/${name}.test.ts`);

export const rooms: Readonly<Record<string, Room>> = {
  engine: {
    mutate: ["lib/engine/*.ts"],
    tests: below(
      "engine",
      "graph",
      "plan",
      "declaration",
      "converge-order",
      "converge-record",
      "visibility",
      "replace-order",
      "destroy-order",
      "owned",
      "same-kind",
      "engine",
    ),
  },
  state: {
    mutate: [
      "state/{*,lease/*,repair/*}.ts",
      "!state/{s3-store,file-store,file-lock}.ts",
      "!state/repair/{history,commands,stored}.ts",
    ],
    tests: [
      ...below("state", "document", "load", "keeping", "journal", "rebuild", "rescue", "limits", "words"),
      ...below("state/lease", "lease-rules", "lease-life", "lease-wait", "stopwatch"),
    ],
  },
  // A room of its own, because its tests wait for locks and would slow down the others.
  store: {
    mutate: ["state/{file-store,file-lock}.ts", "lib/private-files.ts"],
    tests: below("state", "file-store", "file-store-lock", "file-lock", "private-files"),
  },
  aws: {
    mutate: [
      "lib/aws/{errors,explanation,client-token,names,policy-document,tags}.ts",
      "lib/{poll,owner}.ts",
    ],
    tests: [
      ...below(
        "aws",
        "codes",
        "literals",
        "errors",
        "explanation",
        "client-token",
        "names",
        "policy-document",
      ),
      ...below("aws", "tags"),
      "test/poll.test.ts",
      "test/owner.test.ts",
    ],
  },
  config: {
    mutate: ["lib/config/*.ts"],
    tests: below("config", "bounds", "values", "files", "load", "problems", "hostile"),
  },
  report: {
    mutate: ["lib/command/flags.ts", "lib/deploy/cost.ts", "lib/report/*.ts"],
    tests: [...below("commands", "flags"), ...below("report", "report", "rendering", "live-lines", "lines")],
  },
  resources: {
    mutate: ["lib/resources/network/security-rule.ts"],
    tests: below("resources/network", "security-rule"),
  },
  release: {
    mutate: ["lib/release/*.ts"],
    tests: below(
      "release",
      "agent-shortfall",
      "await-hosts",
      "comparison",
      "figures",
      "hints",
      "host-news",
      "publish",
      "schema",
    ),
  },
  source: {
    mutate: ["lib/docker/{source,build-context,records,ignore-rules,private-names}.ts"],
    tests: below("docker", "source", "source-rules", "source-edges", "ignore-rules", "private-names"),
  },
  isolation: {
    mutate: ["compose/isolation/*.ts", "compose/{compose-file,options,resolved-file}.ts"],
    tests: [
      ...below("compose/isolation", "refused", "services", "mounts", "top-level"),
      ...below("compose", "host-path", "options", "compose-file", "arguments"),
    ],
  },
  checks: {
    mutate: [
      "compose/checks/*.ts",
      "compose/{check,health,trouble,probe,server,sockets,http,page,traffic}.ts",
    ],
    tests: [
      ...below(
        "compose/checks",
        "confinement",
        "counting",
        "health",
        "own",
        "recovery",
        "staying",
        "trouble",
        "visits",
        "ways",
      ),
      ...below("compose", "sockets"),
    ],
  },
};
