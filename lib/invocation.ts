/**
 * How a user runs a command, in the way in which they ran this one: `berth up --local`, `npx berth up --local` or
 * `npm run up -- --local`. npm keeps every option that doesn't stand after `--`.
 */
export function invocation(command: string, ...options: readonly string[]): string {
  const [script = "", ...words] = command.split(" ");
  const { npm_lifecycle_event: event, npm_command: npm } = process.env;
  if (event === script) {
    const rest = [...words, ...options];
    return ["npm run", script, ...(rest.length > 0 ? ["--"] : []), ...rest].join(" ");
  }
  return [npm === "exec" ? "npx berth" : "berth", command, ...options].join(" ");
}
