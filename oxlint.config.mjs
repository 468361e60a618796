import { defineConfig } from "oxlint";

/**
 * The rooms, lowest first. Each may import from those that stand above it in this list, types included, and from none below.
 * `paths` are what imports of a room look like.
 */
const rooms = [
  // What every room may use: errors, polling, ownership tags, private files. lib/stack.ts stands further down.
  { files: ["lib/*.ts"], paths: [] },
  { files: ["lib/docker/**"], paths: ["**/docker/**"] },
  { files: ["state/*.ts", "state/lease/**"], paths: ["**/state/*.ts", "**/lease/**"] },
  { files: ["lib/aws/**"], paths: ["**/aws/**"] },
  { files: ["lib/contract/**"], paths: ["**/contract/**"] },
  { files: ["lib/release/**"], paths: ["**/release/**"] },
  { files: ["lib/config/**"], paths: ["**/config/**"] },
  { files: ["lib/toolkit/**"], paths: ["**/toolkit/**"] },
  { files: ["lib/host/**"], paths: ["**/host/**"] },
  { files: ["lib/resources/**"], paths: ["**/resources/**"] },
  { files: ["lib/engine/**"], paths: ["**/engine/**"] },
  { files: ["lib/report/**"], paths: ["**/report/**"] },
  { files: ["lib/stack.ts"], paths: ["**/stack.ts"] },
  { files: ["lib/local/account/**"], paths: ["**/account/**"] },
  { files: ["lib/local/network/**"], paths: ["**/local/network/**", "../network/**"] },
  { files: ["lib/local/emulators/**"], paths: ["**/emulators/**"] },
  { files: ["lib/local/machines/**"], paths: ["**/machines/**"] },
  { files: ["lib/local/control/**"], paths: ["**/control/**"] },
  { files: ["lib/local/*.ts"], paths: ["**/local/*.ts"] },
  { files: ["lib/command/**"], paths: ["**/command/**"] },
  { files: ["lib/deploy/**"], paths: ["**/deploy/**"] },
  {
    files: ["provision/**", "teardown/**", "state/repair/**"],
    paths: ["**/provision/**", "**/teardown/**", "**/repair/**"],
  },
];

const pathsOf = (...names) =>
  rooms
    .filter(({ files }) => names.some((name) => files[0] === `lib/${name}/**`))
    .flatMap(({ paths }) => paths);

/** What a room may not import although it stands above. */
const besides = {
  "lib/engine/**": {
    group: [
      "@aws-sdk/*",
      "dockerode",
      ...pathsOf("aws", "docker", "release", "toolkit", "host", "resources"),
    ],
    message: "The engine knows no AWS service and no Docker.",
  },
  "lib/local/control/**": {
    group: ["../network/**", "../emulators/**", "../machines/**"],
    message: "Commands and supervisor speak by control, which knows neither.",
  },
  "provision/**": {
    group: ["**/local/**"],
    message: "What a user runs doesn't know whether AWS is embedded.",
  },
};

/** No lease, no write. */
const writing = {
  group: ["**/contract/resource.ts"],
  importNames: ["toWriteContext"],
  message: "lib/deploy/lease.ts alone hands out what may write to AWS.",
};

const imports = rooms.map(({ files }, index) => {
  const below = rooms.slice(index + 1).flatMap(({ paths }) => paths);
  const [first = ""] = files;
  const patterns = [
    ...(below.length === 0
      ? []
      : [{ group: below, message: "Imports point down: see rooms in oxlint.config.mjs." }]),
    ...(besides[first] === undefined ? [] : [besides[first]]),
    ...(first === "lib/deploy/**" ? [] : [writing]),
  ];
  return { files, rules: { "no-restricted-imports": ["error", { patterns }] } };
});

export default defineConfig({
  plugins: ["typescript", "unicorn", "import", "node", "promise", "oxc"],
  categories: { correctness: "error", suspicious: "error", perf: "warn" },
  rules: {
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [
          {
            from: "package",
            package: "node:test",
            name: ["describe", "it", "test", "suite"],
          },
        ],
      },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/consistent-type-imports": "error",
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "no-await-in-loop": "off",
    "oxc/no-map-spread": "off",
    "unicorn/consistent-function-scoping": "off",
    "no-console": "error",
    "no-restricted-properties": [
      "error",
      {
        object: "process",
        property: "stdout",
        message:
          "What isn't ours reaches a terminal by lib/report/terminal.ts alone, which makes it harmless.",
      },
      {
        object: "process",
        property: "stderr",
        message:
          "What isn't ours reaches a terminal by lib/report/terminal.ts alone, which makes it harmless.",
      },
    ],
    "no-empty": "error",
  },
  overrides: [
    {
      files: [
        "lib/report/terminal.ts",
        "bin/berth.mjs",
        "lib/local/supervisor.ts",

        "test/**",
      ],
      rules: { "no-restricted-properties": "off" },
    },
    ...imports,
  ],
  ignorePatterns: ["node_modules", ".berth", "coverage"],
});
