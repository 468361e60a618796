/** One attempt by root in a machine to affect the kernel that the machine shares with this computer. */
export interface MachineTry {
  readonly name: string;
  /** A Python program, run as root in a machine, that prints its result. It does no harm if it isn't refused. */
  readonly program: string;
  /** The expected output. */
  readonly expected: string;
}

/** System calls with arguments that have no effect if the call isn't refused. Numbers: x86_64, aarch64. */
const calls: Record<string, readonly [number, number, string]> = {
  "load another kernel": [246, 104, "0, 99, 0, 0"],
  "load another kernel from a file": [320, 294, "-1, -1, 0, 0, 99"],
  "load a module": [175, 105, "0, 0, 0"],
  "load a module from a file": [313, 273, "-1, 0, 99"],
  "remove a module": [176, 106, "0, 0"],
  "performance events of the kernel": [298, 241, "0, 0, -1, -1, 99"],
  "page faults of others (userfaultfd)": [323, 282, "99"],
  io_uring: [425, 425, "0, 0"],
  "attach a program to the kernel (bpf link)": [321, 280, "28, 0, 0"],
  "trace the kernel (bpf)": [321, 280, "17, 0, 0"],
  "open a file by its handle": [304, 265, "-1, 0, 0"],
  "swap to a file": [167, 224, "b'/nonexistent', 0"],
  "end the swapping": [168, 225, "b'/nonexistent'"],
  "quotas of this computer's disks": [179, 60, "0x800000, 0, 0, 0"],
  "the clock": [227, 112, "0, 0"],
  "the clock, by the older call": [164, 170, "1, 0"],
  "the clock's speed": [159, 171, "0"],
  "the kernel's log": [103, 116, "3, b'', 0"],
  "accounting of processes": [163, 89, "b'/nonexistent'"],
  "a key in the kernel": [248, 217, "0, 0, 0, 0, 0"],
  "ask for a key of the kernel": [249, 218, "0, 0, 0, 0"],
  "switch this computer off": [169, 142, "0, 0, 0, 0"],
};

const refused = Object.entries(calls).map(([name, [x86, arm, args]]): MachineTry => ({
  name,
  program: `print(call({"x86_64": ${x86}, "aarch64": ${arm}}[os.uname().machine], ${args}))`,
  expected: "EPERM",
}));

const reached: readonly MachineTry[] = [
  {
    name: "more capabilities than the seventeen that docs/local.md names",
    program: "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('CapBnd')])",
    expected: "00000000a82c35fb",
  },
  {
    name: "the computer that this one is a guest of (vsock)",
    program: "print(attempt(lambda: socket.socket(40, socket.SOCK_STREAM)))",
    expected: "EPERM",
  },
  ...["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/dmesg_restrict", "/proc/sys/vm/drop_caches"].map(
    (path) => ({ name: `write to ${path}`, program: `print(writable("${path}"))`, expected: "EROFS" }),
  ),
  {
    name: "the kernel's emergency keys",
    program: "print(writable('/proc/sysrq-trigger') in ('EROFS', 'ENOENT'))",
    expected: "True",
  },
  {
    name: "settings of this computer's devices",
    program:
      "print(writable('/sys/kernel/rcu_expedited'), writable('/sys/power/state') in ('EROFS', 'ENOENT'))",
    expected: "EROFS True",
  },
  {
    name: "the kernel's memory and keys",
    program: "print(*[readable(path) for path in ('/proc/kcore', '/proc/keys', '/proc/timer_list')])",
    expected: "nothing nothing nothing",
  },
  {
    name: "firmware, modules, debugging",
    program: "print(*[os.listdir(f'/sys/{name}') for name in ('firmware', 'module', 'kernel/debug')])",
    expected: "[] [] []",
  },
  {
    name: "more devices for its cgroup (version 1)",
    program: "print(writable('/sys/fs/cgroup/devices/devices.allow') in ('EROFS', 'ENOENT'))",
    expected: "True",
  },
  {
    name: "any block device of this computer",
    program: `
seen = set()
for line in open('/proc/partitions').read().splitlines()[2:]:
    major, minor = map(int, line.split()[:2])
    os.mknod('/var/tmp/tried', 0o60600, os.makedev(major, minor))
    seen.add(attempt(lambda: os.close(os.open('/var/tmp/tried', os.O_RDONLY))))
    os.unlink('/var/tmp/tried')
print(*seen)`,
    expected: "EPERM",
  },
];

/** Definitions that the programs use. */
const prelude = `
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    done = libc.syscall(*args)
    return "done" if done >= 0 else errno.errorcode[ctypes.get_errno()]
def attempt(work):
    try:
        return f"done: {work()}"
    except OSError as error:
        return errno.errorcode[error.errno]
def readable(path):
    return os.path.exists(path) and open(path, "rb").read(1) or "nothing"
def writable(path):
    return attempt(lambda: os.close(os.open(path, os.O_WRONLY)))
`;

export const machineTries: readonly MachineTry[] = [...refused, ...reached].map(
  ({ name, program, expected }) => ({ name, program: `${prelude}${program}`, expected }),
);

/** Runs the attempt in a machine's shell and returns its output. */
export async function tryInMachine(
  run: (script: string) => Promise<string>,
  { program }: MachineTry,
): Promise<string> {
  return run(`echo ${Buffer.from(program).toString("base64")} | base64 -d | python3 -`);
}
