/** Not a script: only installs the packages, for what is run next. */
export const onlyPackages = "packages";

/** What `berth COMMAND` can be. `words` are a command's subcommands, `operands` what one without can be about. */
export const commands = {
  demo: { script: "setup/demo/demo.ts", summary: "brings the app of berth.yaml up on an embedded AWS" },
  up: { script: "provision/up.ts", summary: "makes everything as berth.yaml declares it" },
  plan: { script: "provision/plan.ts", summary: "shows what up would do, and changes nothing" },
  status: { script: "provision/status.ts", summary: "shows the app's URL and what stands" },
  history: { script: "provision/history.ts", summary: "shows every release and what became of it" },
  rollback: { script: "provision/rollback.ts", summary: "puts an earlier release back" },
  maintenance: {
    script: "provision/maintenance.ts",
    summary: "shows visitors a page in place of the app, or the app again",
    words: ["on", "off"],
  },
  snapshot: { script: "provision/snapshot.ts", summary: "takes a snapshot of the app's data" },
  logs: {
    script: "provision/logs.ts",
    summary: "shows what the app, the edge or the host logged",
    operands: ["app", "edge", "host"],
  },
  shell: { script: "provision/shell.ts", summary: "opens a shell on the host, or in the app's container" },
  secret: { script: "provision/secret.ts", summary: "gives a secret of the app its value", words: ["set"] },
  down: { script: "teardown/down.ts", summary: "takes everything away, and proves it" },
  state: {
    script: "state/repair/commands.ts",
    summary: "looks into the state document, and repairs it",
    words: ["show", "history", "restore", "unlock", "rebuild"],
  },
  completion: {
    script: "provision/completion.ts",
    summary: "prints a script that completes commands in a shell",
    words: ["bash", "zsh", "fish"],
  },
  smoke: { script: "compose/smoke.ts", summary: "starts the Django cluster and tests it" },
  test: { script: "setup/tests/test.ts", summary: "runs Berth's own tests" },
  [onlyPackages]: { summary: "installs the npm packages, and does no more" },
};
