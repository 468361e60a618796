import type Docker from "dockerode";

type Rights = Pick<Docker.HostConfig, "CapAdd" | "CapDrop" | "SecurityOpt" | "MaskedPaths" | "ReadonlyPaths">;

/**
 * What root in a machine may do to the kernel, which it shares with this computer. docs/local.md describes the
 * remaining risk; test/local/machine-tries.ts tests that the rest is denied.
 */
export function machineRights(): Rights {
  return {
    CapDrop: ["ALL"],
    // First the engine's default capabilities, so that the engine inside can pass them on. Then those for systemd and
    // that engine: mounts, namespaces and cgroups; networks; processes of other users.
    CapAdd: words(`
      AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID
      SYS_CHROOT
      SYS_ADMIN NET_ADMIN SYS_PTRACE`),
    SecurityOpt: [`seccomp=${JSON.stringify(seccompProfile())}`, "apparmor=unconfined", "label=disable"],
    MaskedPaths: words(`
      /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/key-users /proc/kmsg /proc/latency_stats /proc/sched_debug
      /proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware /sys/kernel/debug
      /sys/kernel/security /sys/kernel/tracing /sys/module`),
    // /sys isn't in this list, because the engine mounts all of it read-only by default.
    ReadonlyPaths: words("/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"),
  };
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** System calls that reach beyond a container's namespaces, and that nothing in a machine needs. */
const refusedCalls = {
  "other kernels, and code in this one": `kexec_load kexec_file_load create_module init_module finit_module
    delete_module perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register`,
  "hardware and power": "iopl ioperm reboot",
  "files past the mounts, and this computer's disks": `open_by_handle_at swapon swapoff quotactl quotactl_fd nfsservctl
    lookup_dcookie`,
  "the clock, the log and the keys, of which there is one": `settimeofday stime clock_settime clock_settime64 adjtimex
    clock_adjtime clock_adjtime64 syslog acct add_key request_key`,
};

/**
 * All commands of bpf(2) except those that load, attach, detach and list programs, which cgroup v2 needs for its list
 * of devices. None of the exceptions attaches a program to the kernel's own functions.
 */
const refusedBpfCommands = [0, 1, 2, 3, 4, 6, 7, 10, 12, 14];
const lastBpfCommand = 16;
const addressFamilyVsock = 40;

interface Rule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ERRNO";
  readonly args?: readonly { readonly index: number; readonly value: number; readonly op: string }[];
}

/**
 * Unlike the engine's own profile, this one lists what is refused, not what is allowed: an allow list depends on the
 * engine's age, and an init system fails when it uses a newer system call that the list lacks.
 */
function seccompProfile(): object {
  const when = (op: string, name: string, value: number): Rule => ({
    names: [name],
    action: "SCMP_ACT_ERRNO",
    args: [{ index: 0, value, op }],
  });
  const rules: Rule[] = [
    { names: words(Object.values(refusedCalls).join(" ")), action: "SCMP_ACT_ERRNO" },
    // vsock leads from a virtual machine to the computer that hosts it.
    when("SCMP_CMP_EQ", "socket", addressFamilyVsock),
    ...refusedBpfCommands.map((command) => when("SCMP_CMP_EQ", "bpf", command)),
    when("SCMP_CMP_GT", "bpf", lastBpfCommand),
  ];
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    ],
    syscalls: rules,
  };
}
