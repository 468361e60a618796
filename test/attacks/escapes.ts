import type { Attack } from "./attack.ts";

/** A program of the app's, and what it must come to. `call` is a system call by its number on x86_64; one that fails for
 * another reason than a right that is missing was let in. */
type Try = readonly [string, string];

const prelude = `
import ctypes, os, socket, subprocess, sys, errno, glob
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    done = libc.syscall(*args)
    return "done" if done >= 0 else outcome(ctypes.get_errno())
def attempt(work):
    try:
        return f"done: {work()}"
    except OSError as error:
        return outcome(error.errno)
def outcome(number):
    name = errno.errorcode[number]
    return "refused" if name in ("EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS") else name
def put(path, text):
    with open(path, "w") as file:
        file.write(text)
`;

const rights: Record<string, Try> = {
  "user id": ["print(os.getuid(), os.geteuid(), 0 in os.getgroups())", "65532 65532 False"],
  "become root": ["print(attempt(lambda: os.setuid(0)))", "refused"],
  "become root's group": ["print(attempt(lambda: os.setgid(0)))", "refused"],
  "become root by a setuid program": [
    "print(subprocess.run(['su', '-c', 'id -u'], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout or 'nothing')",
    "nothing",
  ],
  capabilities: [
    "print(*[line.split()[1] for line in open('/proc/self/status') if line[:3] == 'Cap'])",
    Array.from({ length: 5 }, () => "0".repeat(16)).join(" "),
  ],
  "new rights by execve": [
    "print([l.split()[1] for l in open('/proc/self/status') if 'NoNewPrivs' in l])",
    "['1']",
  ],
  seccomp: ["print([l.split()[1] for l in open('/proc/self/status') if l.startswith('Seccomp:')])", "['2']"],
};

const systemCalls: Record<string, Try> = {
  "mount a file system": ["print(call(165, b'none', b'/tmp', b'tmpfs', 0, 0))", "refused"],
  "mount the computer's disk": ["print(call(165, b'/dev/sda1', b'/tmp', b'ext4', 0, 0))", "refused"],
  "unmount /proc/sys": ["print(call(166, b'/proc/sys', 2))", "refused"],
  "the newer way to mount": ["print(call(428, -100, b'/', 1))", "refused"],
  "move the root": ["print(call(155, b'/tmp', b'/tmp'))", "refused"],
  "a user namespace": ["print(call(272, 0x10000000))", "refused"],
  "a mount namespace": ["print(call(272, 0x00020000))", "refused"],
  "another's namespace": ["print(call(308, os.open('/proc/1/ns/mnt', 0), 0))", "refused"],
  "a file by its handle": ["print(call(304, -100, bytes(64), 0))", "refused"],
  "a device node": ["print(attempt(lambda: os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0))))", "refused"],
  "a kernel module": ["print(call(175, b'x', 1, b''))", "refused"],
  "another kernel": ["print(call(246, 0, 0, 0, 0))", "refused"],
  "a program for the kernel (bpf)": ["print(call(321, 0, bytes(64), 64))", "refused"],
  "performance events": ["print(call(298, bytes(120), 0, -1, -1, 0))", "refused"],
  "the kernel's keys": ["print(call(250, 0, -3, 1))", "refused"],
  "page faults of others (userfaultfd)": ["print(call(323, 0))", "refused"],
  "the clock": ["print(call(227, 0, bytes(16)))", "refused"],
  "the host's name": ["print(call(170, b'x', 1))", "refused"],
  "the end of the machine": ["print(call(169, 0xfee1dead, 672274793, 0x1234567, 0))", "refused"],
  "the kernel's messages": ["print(call(103, 3, bytes(10), 10))", "refused"],
  "raw packets": ["print(attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))", "refused"],
  "packets of the link": [
    "print(attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)))",
    "refused",
  ],
  io_uring: ["print(call(425, 1, bytes(120)))", "refused"],
};

const files: Record<string, Try> = {
  "write to the root": ["print(attempt(lambda: put('/here', '')))", "refused"],
  "change the app itself": ["print(attempt(lambda: put('/app.py', '')))", "refused"],
  "change the names of hosts": ["print(attempt(lambda: put('/etc/hosts', '')))", "refused"],
  "run a program from /tmp": [
    "put('/tmp/run', '#!/bin/sh\\necho ran'); os.chmod('/tmp/run', 0o755); print(attempt(lambda: subprocess.run(['/tmp/run'])))",
    "refused",
  ],
  "a setuid file in /tmp": [
    "put('/tmp/suid', ''); os.chmod('/tmp/suid', 0o4755); print('nosuid' in [l for l in open('/proc/mounts') if ' /tmp ' in l][0])",
    "True",
  ],
  "where the kernel reports crashes": [
    "print(attempt(lambda: put('/proc/sys/kernel/core_pattern', '|/tmp/x')))",
    "refused",
  ],
  "the kernel's emergency keys": ["print(attempt(lambda: put('/proc/sysrq-trigger', 'h')))", "refused"],
  "the memory of the kernel": ["print(attempt(lambda: open('/proc/kcore', 'rb').read(4)))", "refused"],
  "the machine's devices": [
    "print(sorted(set(os.listdir('/dev')) & {'sda', 'vda', 'mem', 'kmsg', 'fuse', 'kvm', 'loop0', 'nvme0n1'}))",
    "[]",
  ],
  "the release agent of cgroups": [
    "print(sorted({attempt(lambda: put(f, '/tmp/x')) for f in glob.glob('/sys/fs/cgroup/**/release_agent', recursive=True)} - {'refused'}))",
    "[]",
  ],
  "its own limits": [
    "print(sorted({attempt(lambda: put(f, '99')) for n in ('memory.limit_in_bytes', 'memory.max', 'pids.max') for f in glob.glob('/sys/fs/cgroup/**/' + n, recursive=True)} - {'refused'}))",
    "[]",
  ],
  "the engine's socket": [
    "print([f for f in ('/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock') if os.path.exists(f)])",
    "[]",
  ],
  "the machine's files": [
    "print([f for f in ('/etc/berth', '/var/lib/berth', '/var/lib/cloud', '/usr/local/lib/berth', '/root/.docker') if os.path.exists(f)])",
    "[]",
  ],
  "credentials in its environment": [
    "print([n for n in os.environ if n.startswith(('AWS_', 'BERTH_'))])",
    "[]",
  ],
  "processes of others": [
    "print(len([p for p in os.listdir('/proc') if p.isdigit()]) < 60, open('/proc/1/cmdline').read().split('\\0')[0])",
    "True python3",
  ],
  "shared memory of the machine": [
    "print(os.stat('/dev/shm').st_mode & 0o1000 > 0, os.listdir('/dev/shm'))",
    "True []",
  ],
};

/** Ends the words of a traceback in the name of the error. */
const lastWord = (output: string): string =>
  output.startsWith("Traceback") ? (output.split("\n").at(-1)?.split(":")[0] ?? output) : output;

const escape = (kind: string, name: string, [program, expected]: Try): Attack => ({
  from: "app",
  name: `${kind}: ${name}`,
  expected,
  attempt: async ({ app }) => lastWord(await app.run(prelude + program)),
});

const all = (kind: string, tries: Readonly<Record<string, Try>>) =>
  Object.entries(tries).map(([name, one]) => escape(kind, name, one));

export const escapes: readonly Attack[] = [
  ...all("rights", rights),
  ...all("system call", systemCalls),
  ...all("file", files),
];
