/**
 * What changes by itself is not source. These rules stand before those of `.dockerignore`, whose `!` takes them back.
 * docs/configuration.md lists them.
 */
const excluded: readonly string[] = [
  // Version control: a commit, a fetch or a garbage collection changes no source.
  "**/.git",
  "**/.hg",
  "**/.svn",
  "**/.jj",
  // Berth's state, logs and keys.
  "**/.berth",
  // Its configuration: what it says of the host changes no image, and an app's environment must not be served as a file.
  "**/berth.yaml",
  "**/berth.*.yaml",
  // Editors and desktops: settings, swap files, locks and backups.
  "**/.idea",
  "**/.vscode",
  "**/.*.sw[a-p]",
  "**/*~",
  "**/.#*",
  "**/#*#",
  "**/.DS_Store",
  "**/Thumbs.db",
];

/** The rules, as the lines of a `.dockerignore`. */
export const defaultRules = excluded.join("\n");
