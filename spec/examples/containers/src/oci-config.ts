/** What the OCI runtime is told, made of a machine's spec. Source: OCI runtime specification 1.0. Pure. */
import type { MachineSpec } from "novact/plugin";
import type { FirstProcess } from "./command-line.ts";
import { containerLimits } from "./limits.ts";
import { seccompProfile } from "./seccomp.ts";

export interface ContainerPlan {
  readonly root: string;
  /** The first of its user ids on the host. */
  readonly uidFirst: number;
  readonly capabilities: "none" | "basic";
  /** At most what the agent itself may have: nobody can be given more. */
  readonly openFilesMax: number;
}

/** A user namespace of its own, where root is nobody on the host; no other network than its own loopback. */
const namespaces = ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"].map((type) => ({ type }));

/** In its own user namespace: over its own files and processes, and nobody else's. */
const basicCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"]
  .concat(["SETPCAP", "NET_BIND_SERVICE"])
  .map((name) => `CAP_${name}`);

const nothingRuns = ["nosuid", "nodev", "noexec"];

const mounts = [
  { destination: "/proc", type: "proc", source: "proc", options: nothingRuns },
  tmpfs("/dev", ["nosuid", "noexec", "mode=755", "size=64k"]),
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
  },
  tmpfs("/dev/shm", [...nothingRuns, "mode=1777", `size=${containerLimits.sharedMemoryBytes}`]),
  { destination: "/sys", type: "sysfs", source: "sysfs", options: [...nothingRuns, "ro"] },
];

function tmpfs(destination: string, options: readonly string[]) {
  return { destination, type: "tmpfs", source: "tmpfs", options };
}

/** Of the kernel's own files: those that tell about the host, and those that change the host. */
const maskedPaths = [
  ...["acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi"]
    .concat(["interrupts", "kallsyms", "kpagecount", "kpageflags", "kpagecgroup"])
    .map((name) => `/proc/${name}`),
  ...["/sys/firmware", "/sys/devices/virtual/powercap", "/sys/fs/cgroup", "/sys/kernel"],
];
const readonlyPaths = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);

export const idMapping = (uidFirst: number) => [
  { containerID: 0, hostID: uidFirst, size: containerLimits.uidsOfOne },
];

export function capabilitySets(names: readonly string[]) {
  return { bounding: names, effective: names, inheritable: [], permitted: names, ambient: [] };
}

export function ociConfig(spec: MachineSpec, first: FirstProcess, plan: ContainerPlan) {
  return {
    ociVersion: "1.0.0",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: first.argv,
      env: first.environment,
      cwd: "/",
      capabilities: capabilitySets(plan.capabilities === "basic" ? basicCapabilities : []),
      rlimits: [limit("NOFILE", plan.openFilesMax), limit("CORE", 0), limit("MEMLOCK", 64 * 1024)],
      noNewPrivileges: true,
    },
    root: { path: plan.root, readonly: false },
    hostname: hostName(spec),
    mounts,
    linux: {
      namespaces,
      uidMappings: idMapping(plan.uidFirst),
      gidMappings: idMapping(plan.uidFirst),
      seccomp: seccompProfile,
      ...{ maskedPaths, readonlyPaths, rootfsPropagation: "private" },
    },
  };
}

export function limit(name: string, value: number) {
  return { type: `RLIMIT_${name}`, hard: value, soft: value };
}

/** A legal host name made from the instance's name. */
function hostName({ name, instanceId }: Pick<MachineSpec, "name" | "instanceId">): string {
  const legal = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return legal === "" ? `i-${instanceId.slice(0, 61)}` : legal;
}
