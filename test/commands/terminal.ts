import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { root } from "../../lib/paths.ts";
import { scriptArguments } from "../script.ts";

/** What a person sees of a question, and what they type then. */
export type Answer = readonly [question: string, typed: string];

export interface Seen {
  readonly exitCode: number | null;
  /** All that the terminal showed, without colours. */
  readonly screen: string;
}

// A terminal of its own, wide enough that no line is cut. Each answer is typed once its question stands there.
const typist = `
import fcntl, json, os, pty, struct, sys, termios
answers, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
unread = b""
while True:
    try:
        seen = os.read(terminal, 4096)
    except OSError:
        break
    if not seen:
        break
    sys.stdout.buffer.write(seen)
    unread += seen
    if answers and answers[0][0].encode() in unread:
        os.write(terminal, answers.pop(0)[1].encode())
        unread = b""
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

/** Runs one of Berth's scripts on a terminal of its own, and types the answers in turn. */
export async function runOnTerminal(
  script: string,
  args: readonly string[],
  { env, answers }: { readonly env: NodeJS.ProcessEnv; readonly answers: readonly Answer[] },
): Promise<Seen> {
  const node = [process.execPath, ...scriptArguments(script), ...args];
  const child = spawn("python3", ["-c", typist, JSON.stringify(answers), ...node], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [shown] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { exitCode: child.exitCode, screen: stripVTControlCharacters(shown) };
}
