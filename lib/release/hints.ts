/** What is known of a release that failed: the host's word for the cause, and the last lines of the app's log. */
interface Symptoms {
  readonly cause?: string | undefined;
  readonly log?: readonly string[] | undefined;
}

interface Advice {
  readonly pattern: RegExp;
  readonly text: string;
}

const forMemory = "raise app.memoryMib or let the app need less; what it keeps in /tmp counts too";
const forArchitecture = "build the image, and each program that it copies in, for linux/amd64";

/** Causes that leave no doubt. The words are those of lib/host/agent: a host may be newer and know others. */
const certain: ReadonlyMap<string, string> = new Map([
  ["memory", forMemory],
  ["architecture", forArchitecture],
  [
    "not-found",
    "correct the Dockerfile's ENTRYPOINT and CMD, or app.command: the program must be in the image",
  ],
  ["not-executable", "make the program executable in the Dockerfile, for example with RUN chmod 755"],
  ["loopback-port", "let the app listen on 0.0.0.0: 127.0.0.1 is the container's own"],
  ["other-port", "set app.port to the port that the app listens on, or tell the app to use app.port"],
  [
    "volume",
    "give the volume in app.volumes the path of a folder of the app's, or one that the image doesn't have",
  ],
  ["user", "set app.user to a user of the image, or to a uid"],
  [
    "pull",
    "the host goes on trying to pull the image: look at its way to the registry, and at the image there",
  ],
  [
    "secret",
    "the host goes on trying to read the value: look whether it is there, whether its key lets the account use it, and run plan",
  ],
  [
    "command-late",
    "what app.releaseCommand began may be half done: let it do less at a time, or do long work outside of a release",
  ],
  [
    "worse",
    "look at what the new release answers with 5xx; app.rollbackWhenWorse: false ships it whatever it fails",
  ],
  [
    "interrupted",
    "find out what starts the host anew, such as app.releaseCommand needing more memory or disk than there is; then let the command do less at a time",
  ],
  ["disk", "the host goes on trying: make room on its disk, or raise instance.diskGib"],
  ["engine", "the host goes on trying; its journal has what the engine said before its end"],
  ["host", "the host goes on trying, less and less often; run status to see whether it got further"],
]);

/** Causes behind which may be another one, which then is in the app's log. */
const likely: ReadonlyMap<string, string> = new Map([
  ["done", "the image's command must stay in the foreground: correct CMD, or set app.command"],
  ["command", "app.releaseCommand has to end with exit code 0: fix what it says"],
  ["no-port", "let the app listen on app.port of 0.0.0.0; if it only needs longer, raise app.startSeconds"],
  [
    "no-answer",
    "the app takes connections but doesn't answer in time: raise app.startSeconds, or fix the app",
  ],
  ["unhealthy", "fix the app, or let app.health say what a healthy answer is"],
]);

const denied = "read-only file system|EROFS|permission denied|EACCES";

/** What apps say in a container without root, without capabilities and with a read-only disk. The first that fits counts. */
const inLog: readonly Advice[] = [
  { pattern: /exec format error/i, text: forArchitecture },
  {
    pattern: /^exec \S+: no such file or directory/i,
    text: "the program's interpreter is missing: look at its first line (#!), and for line ends of Windows there",
  },
  {
    pattern:
      /uid not found|cannot find name for user ID|unknown userid|no matching entries in passwd|getpwuid/i,
    text: "the user has no entry in the image's /etc/passwd: add one there and name it in app.user, or set USER and HOME in app.environment",
  },
  {
    pattern: new RegExp(
      `(?:${denied}).*["'‘ ]/(?:\\.[a-z]|root/)|["'‘ ]/(?:\\.[a-z]|root/).*(?:${denied})`,
      "i",
    ),
    text: "the app writes to its home folder, which isn't there or isn't its own: set HOME to /tmp in app.environment",
  },
  {
    pattern:
      /failed to map segment|(?:permission denied|EACCES).*["'‘ ]\/tmp\/|["'‘ ]?\/tmp\/\S+.*(?:permission denied|EACCES)/i,
    text: "nothing in /tmp can be executed: put programs into the image, or set app.writable and use another folder",
  },
  {
    pattern: /read-only file system|EROFS/i,
    text: "the disk is read-only except for /tmp: let the app write there, or set app.writable to true",
  },
  {
    pattern: /no space left on device|ENOSPC/i,
    text: "raise app.tmpMib, the size of /tmp, or instance.dataGib if it is a path of app.volumes",
  },
  {
    pattern: /out of memory|cannot allocate memory|ENOMEM|OutOfMemoryError|MemoryError/i,
    text: forMemory,
  },
  {
    pattern: /can't start new thread|pthread_create|resource temporarily unavailable/i,
    text: "a replica may have 512 processes and threads: let the app start fewer",
  },
  {
    pattern: /operation not permitted|EPERM|setgid|setuid|setgroups/i,
    text: "the container has no capabilities, so it can't change owners or users: do that in the Dockerfile, and name the final user in app.user",
  },
  {
    pattern: /permission denied|EACCES/i,
    text: "the app runs as the image's user, or as 65532 if that is root: give it the files in the Dockerfile, or set app.user",
  },
];

/** Says what to do about a release that failed, as precisely as the symptoms allow. */
export function findHint({ cause = "", log = [] }: Symptoms): string {
  const advice =
    certain.get(cause) ??
    inLog.find(({ pattern }) => log.some((line) => pattern.test(line)))?.text ??
    likely.get(cause) ??
    "fix the app or its configuration";
  return log.length === 0
    ? `${advice}; then run up again`
    : `${advice}; the lines above are the end of its log`;
}

/** After an agent that a host couldn't install. */
export const postponedAgentHint =
  "the host tries again by itself; make room on its disk, or raise instance.diskGib, and run up again";

/** After a refused agent. */
export const agentHint =
  "run up with another version of Berth; to try this one again, remove agent.json from the state bucket first";
