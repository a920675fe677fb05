/**
 * What the specs run on: a state directory, an image store, tiny images made of busybox, and the drivers on
 * them. Without root, crun or a static busybox the specs that need containers are skipped, and say so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log, MachineSpec } from "novact/plugin";
import { whatLacks } from "../src/capabilities.ts";
import { Cgroup } from "../src/cgroup.ts";
import { ContainerConsoles } from "../src/consoles.ts";
import {
  type ContainerHost,
  cgroupParent,
  claimsIn,
  containersIn,
  extractionParent,
  hierarchies,
  runtimeDefault,
} from "../src/host.ts";
import { ContainerHypervisor } from "../src/hypervisor.ts";
import type { HypervisorOptions } from "../src/options.ts";
import { RootDisks } from "../src/root-disks.ts";

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** False for a program that needs a loader, which no image here has. Source: ELF's PT_INTERP is 3. */
function isStatic(path: string): boolean {
  const file = readFileSync(path);
  const [start, size, count] = [
    Number(file.readBigUInt64LE(32)),
    file.readUInt16LE(54),
    file.readUInt16LE(56),
  ];
  return !Array.from({ length: count }, (_, n) => file.readUInt32LE(start + n * size)).includes(3);
}

const busybox = ["/usr/bin/busybox", "/bin/busybox"].find((path) => existsSync(path) && isStatic(path));

/** Why no container can be run here; undefined: it can. */
export function whyNot(): string | undefined {
  const lacking = whatLacks(runtimeDefault);
  if (lacking !== undefined) return lacking;
  if (busybox === undefined) return "The package busybox-static is not installed.";
  // In a chroot, for one, the kernel gives nobody a user namespace.
  const { status } = spawnSync("unshare", ["--user", "true"], { stdio: "ignore" });
  return status === 0 ? undefined : "No user namespace can be made here.";
}

/** Skips the suite aloud when no container can be run here. For its `before`. */
export function needsContainers(context: Mocha.Context): void {
  const reason = whyNot();
  if (reason === undefined) return;
  console.warn(`      skipped: ${reason}`);
  // A reporter that knows the property can tell the reason at the end.
  Object.assign(context.runnable().parent ?? {}, { skipReason: reason });
  context.skip();
}

/** Programs of the image, beside busybox's own. */
const scripts: Readonly<Record<string, string>> = {
  // The power button ends it, and nothing else.
  "sbin/init": "trap 'echo goes; exit 0' TERM\necho it is up\nwhile :; do sleep 0.05 & wait $!; done",
  // Shells that cannot fork end; the first process is none of these.
  "sbin/forks": "echo forks\n(fork() { fork | fork & }; while :; do fork; done) &\nexec sleep 1000000",
  "sbin/eats": "echo eats\n(tail -c 1024m /dev/zero | tail) &\nwhile :; do sleep 0.05 & wait $!; done",
  "sbin/starves": "echo starves\nexec tail /dev/zero",
  "sbin/fills": "dd if=/dev/zero of=/full bs=1M 2>/dev/null; echo full\nwhile :; do sleep 1; done",
  "sbin/talks": "exec yes abcdefghijklmnopqrstuvwxyz0123456789",
  "sbin/fails": "echo fails; exit 3",
};

const applets = [
  "sh",
  "cat",
  "echo",
  "ls",
  "id",
  "sleep",
  "mount",
  "mkdir",
  "mknod",
  "dd",
  "yes",
  "tail",
].concat([
  ...["kill", "ps", "grep", "chroot", "unshare", "hostname", "dmesg", "wc", "touch", "ip", "stat", "true"],
]);

/** Files of a root file system, in a directory. */
export function writeRoot(directory: string, more: Readonly<Record<string, string>> = {}): void {
  for (const name of ["bin", "sbin", "proc", "sys", "dev", "tmp", "etc"])
    mkdirSync(join(directory, name), { recursive: true, mode: 0o755 });
  copyFileSync(busybox ?? "", join(directory, "bin/busybox"));
  chmodSync(join(directory, "bin/busybox"), 0o755);
  for (const name of applets) symlinkSync("busybox", join(directory, "bin", name));
  for (const [path, text] of Object.entries({ ...scripts, ...more })) {
    writeFileSync(join(directory, path), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, path), 0o755);
  }
}

export interface RegisteredImage {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export class ContainerWorld {
  readonly path = mkdtempSync(join(tmpdir(), "novact-containers-"));
  readonly imageStore = join(this.path, "images");
  readonly hostId = `spec-${randomUUID()}`;
  readonly host = { hostId: this.hostId, containers: containersIn(this.path) };
  readonly disks = this.disksOf(this.host);
  readonly consoles = new ContainerConsoles(this.host.containers);
  readonly #hypervisors: ContainerHypervisor[] = [];

  constructor() {
    chmodSync(this.path, 0o711);
    mkdirSync(this.imageStore);
  }

  /** The disks of a host on this computer. */
  disksOf(host: ContainerHost): RootDisks {
    return new RootDisks(host, {
      imageStore: this.imageStore,
      claims: claimsIn(this.path),
      rootMibMin: 64,
    });
  }

  /** A driver as an agent has it; each one is another agent's. */
  agent(options: HypervisorOptions = {}): ContainerHypervisor {
    const hypervisor = new ContainerHypervisor(this.host, options, silentLog);
    this.#hypervisors.push(hypervisor);
    return hypervisor;
  }

  /** Keeps a file as the image store does. */
  register(path: string): RegisteredImage {
    const content = readFileSync(path);
    const sha256 = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(this.imageStore, sha256), content);
    return { sha256, sizeBytes: content.length };
  }

  /** A tar archive of a root file system. */
  tarImage(more: Readonly<Record<string, string>> = {}): RegisteredImage {
    const root = this.#stage(more);
    const file = join(this.path, `${randomUUID()}.tar`);
    execFileSync("tar", ["--create", "--file", file, "--directory", root, "."]);
    return this.register(file);
  }

  /** An ext4 file system with a root file system in it. */
  extImage(more: Readonly<Record<string, string>> = {}): RegisteredImage {
    const root = this.#stage(more);
    const file = join(this.path, `${randomUUID()}.ext4`);
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", root, file, "32M"]);
    return this.register(file);
  }

  #stage(more: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(join(this.path, "root-"));
    chmodSync(root, 0o755);
    writeRoot(root, more);
    return root;
  }

  spec(image: RegisteredImage | null, given: Partial<MachineSpec> = {}, commandLine = ""): MachineSpec {
    const disk = image && { ...image, format: "raw" as const, virtualSizeBytes: image.sizeBytes };
    return {
      ...{ instanceId: randomUUID(), project: "demo", name: "Web 1", ownerEpoch: 1, architecture: "x86_64" },
      ...{ vcpus: 1, memoryMib: 64, diskGib: 0, macAddress: "52:54:00:12:34:56" },
      image: { id: "image", disk, kernel: null, ramdisk: null, commandLine },
      ...{ fence: false, storageId: null, takesOverDisk: false },
      ...{ recovery: "restart", machineType: null, numa: null },
      ...given,
    };
  }

  /** What the console has by now. */
  async console(instanceId: string): Promise<string> {
    return (await this.consoles.read(instanceId, {}))?.text ?? "";
  }

  /** Resolves when the console has the text. */
  async untilSaid(instanceId: string, text: string): Promise<string> {
    for (;;) {
      const said = await this.console(instanceId);
      if (said.includes(text)) return said;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    for (const hypervisor of this.#hypervisors) await hypervisor.detach();
    const last = this.agent();
    const all = await this.disks.list();
    for (const { instanceId } of all) await last.halt(instanceId, new AbortController().signal);
    await last.detach();
    for (const parent of [cgroupParent(this.host), extractionParent(this.host)])
      await new Cgroup(hierarchies(), "", parent).remove();
    rmSync(this.path, { recursive: true, force: true });
  }
}
