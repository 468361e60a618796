/** What is mutated together, and the tests that answer within seconds and need no emulator. */
export interface Room {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
}

const below = (folder: string, ...names: readonly string[]) =>
  names.map((name) => `test/${folder}/${name}.test.ts`);

export const rooms: Readonly<Record<string, Room>> = {
  engine: {
    mutate: ["lib/engine/*.ts"],
    tests: below("engine", "graph", "plan", "converge-order", "replace-order", "engine"),
  },
  state: {
    mutate: ["state/*.ts", "!state/{s3-store,history}.ts"],
    tests: [
      ...below("state", "document", "load", "lease-rules", "keeping", "journal", "rebuild", "rescue"),
      ...below("state", "stopwatch", "file-store-lock"),
    ],
  },
  aws: {
    mutate: ["lib/aws/{errors,explanation,client-token,names,policy-document,poll,tags}.ts"],
    tests: [
      ...below("aws", "codes", "literals", "errors", "client-token", "names", "policy-document"),
      ...below("aws", "poll", "tags"),
    ],
  },
  config: { mutate: ["lib/config/*.ts"], tests: below("config", "bounds", "files", "load") },
  command: {
    mutate: ["lib/flags.ts", "lib/cost.ts", "lib/report/{report,json-report,text-report}.ts"],
    tests: [...below("commands", "flags"), ...below("report", "report")],
  },
  resources: { mutate: ["lib/resources/security-rule.ts"], tests: below("resources", "security-rule") },
  source: {
    mutate: ["lib/docker/{source,build-context,records}.ts"],
    tests: below("docker", "source", "source-rules"),
  },
};
