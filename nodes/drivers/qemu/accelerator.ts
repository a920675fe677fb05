/**
 * KVM or TCG, decided by running a guest. That /dev/kvm opens and creates a VM proves nothing (a nested,
 * software KVM does both, and no Linux gets to user space in it), and QEMU does not end by itself when its
 * emulation fails; so the tiny kernel is booted under KVM to its marker, with a deadline. Decided once per
 * computer, boot and version, and kept in a file.
 */
import { accessSync, constants, statSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { Clock, Ids, Log } from "../../../protocol/wire/transport.ts";
import { writeDurably } from "../durable-file.ts";
import { guestFiles, makeGuestDirectory } from "../guest-directory.ts";
import { type GuestUser, guestUser } from "../guest-user.ts";
import type { ProbeGuest } from "../kinds.ts";
import { readBootId } from "../process-table.ts";
import { delay } from "../waiting.ts";
import { qemuArguments } from "./arguments.ts";
import { firmwareFor } from "./firmware.ts";
import { QemuGuest } from "./guest.ts";
import { lastWords, spawnGuest } from "./guest-process.ts";
import { bringUp } from "./launch.ts";
import { launchOf } from "./launcher.ts";
import { qemuLimits } from "./limits.ts";
import type { AcceleratorChoice } from "./options.ts";

const wantedAccelerators = ["auto", "kvm", "tcg"] as const;
type WantedAccelerator = (typeof wantedAccelerators)[number];

export interface AcceleratorOptions {
  readonly wanted: WantedAccelerator;
  readonly clock: Clock;
  /** Makes the id of the guest that KVM is tried with. */
  readonly ids: Ids;
  readonly log: Log;
  readonly executable: string;
  readonly version: () => Promise<string>;
  readonly probe: ProbeGuest | undefined;
  /** Path of the network namespace that guests are in. Absent, or answering undefined: the agent's own. */
  readonly network?: () => Promise<string | undefined>;
  /**
   * Working directory of the probe, and the file of the decision, which the nodes of one computer may share.
   */
  readonly directory: string;
  readonly cacheFile: string;
  /** For tests: a device in place of /dev/kvm. */
  readonly device?: string;
}

export async function chooseAccelerator(options: AcceleratorOptions): Promise<AcceleratorChoice> {
  const access = kvmAccess(options.device ?? "/dev/kvm", guestUser("probe"));
  if (options.wanted === "tcg") return tcg("The configuration says tcg.");
  if (options.wanted === "kvm") {
    const reason = ["The configuration says kvm.", access.refusal ?? ""].join(" ").trim();
    return { accelerator: "kvm", reason, groups: access.groups };
  }
  if (access.refusal !== undefined) return tcg(access.refusal);
  if (options.probe === undefined) return tcg("There is no guest to try KVM with.");
  const key = await cacheKey(options, options.probe);
  const kept = await readKept(options.cacheFile, key);
  if (kept?.accelerator === "kvm") return { accelerator: "kvm", reason: kept.reason, groups: access.groups };
  if (kept !== undefined) return tcg(kept.reason);
  const failure = await tryKvm(options, options.probe, access.groups);
  const choice: AcceleratorChoice =
    failure === undefined
      ? { accelerator: "kvm", reason: "A guest booted to its marker under KVM.", groups: access.groups }
      : tcg(failure);
  await keep(options, { key, accelerator: choice.accelerator, reason: choice.reason });
  return choice;
}

const tcg = (reason: string): AcceleratorChoice => ({ accelerator: "tcg", reason, groups: [] });

interface KvmAccess {
  /** A sentence when guests cannot use the device at all. */
  readonly refusal: string | undefined;
  readonly groups: readonly number[];
}

/**
 * Whether the guests' user may open the device: by its mode, or by a group that a guest's process can be
 * given. Without users of their own guests run as this process does.
 */
export function kvmAccess(device: string, user: GuestUser | undefined): KvmAccess {
  const found = statSync(device, { throwIfNoEntry: false });
  if (found === undefined) return closed(`There is no ${device}.`, howToHaveOne);
  if (user === undefined)
    return mayOpen(device) ? open : closed(`This user may not open ${device}.`, howToJoin(device));
  if ((found.mode & 0o006) === 0o006) return open;
  if ((found.mode & 0o060) === 0o060 && found.gid !== 0) return { refusal: undefined, groups: [found.gid] };
  const mode = (found.mode & 0o777).toString(8);
  const why = `Guests run as unprivileged users, and ${device} (mode ${mode}) is closed to them.`;
  return closed(why, `To open it: chgrp kvm ${device} && chmod 660 ${device}; then start the node again.`);
}

const open: KvmAccess = { refusal: undefined, groups: [] };
const closed = (why: string, next: string): KvmAccess => ({ refusal: `${why} ${next}`, groups: [] });

const howToHaveOne =
  "To have it: switch virtualization on in the firmware, or nested virtualization where this computer is a " +
  "guest itself; then modprobe kvm_intel, or kvm_amd.";

/** The group of the device, as it is named on most systems. */
const howToJoin = (device: string): string =>
  `To join its group: usermod -aG $(stat -c %G ${device}) USER, as root; then log in anew.`;

function mayOpen(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    // Whatever the reason, a guest could not open it either.
    return false;
  }
}

/** Tries KVM. Undefined when the guest reached its marker; otherwise the reason why not. */
async function tryKvm(
  options: AcceleratorOptions,
  probe: ProbeGuest,
  groups: readonly number[],
): Promise<string | undefined> {
  const spec = probeSpec(options.ids.next(), probe);
  const directory = join(options.directory, `probe-${spec.instanceId}`);
  const user = guestUser(spec.instanceId);
  try {
    await makeGuestDirectory(directory, user);
    await copyReadable(probe.kernel, join(directory, "kernel"));
    await copyReadable(probe.ramdisk, join(directory, "ramdisk"));
    return await bootToMarker(options, probe, { spec, directory, user, groups });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copyReadable(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o644);
}

interface ProbePlace {
  readonly spec: MachineSpec;
  readonly directory: string;
  readonly user: GuestUser | undefined;
  readonly groups: readonly number[];
}

async function bootToMarker(options: AcceleratorOptions, probe: ProbeGuest, place: ProbePlace) {
  const { clock, log } = options;
  const { spec, directory, user, groups } = place;
  const argv = qemuArguments({
    ...{
      spec,
      accelerator: "kvm",
      disk: undefined,
      direct: false,
      base: undefined,
      kernel: "kernel",
      ramdisk: "ramdisk",
    },
    firmware: await firmwareFor(probe.kernel),
  });
  // The probe ends with this process: without anybody watching, it would spin for ever.
  const bound = launchOf(
    { user, groups, network: await options.network?.(), spec, endsWithAgent: true },
    { command: options.executable, argv },
  );
  const tag = { instanceId: spec.instanceId, ownerEpoch: spec.ownerEpoch };
  const bootId = await readBootId();
  const spawned = spawnGuest(bound, { tag, directory, user, bootId, nowMs: clock.nowMs() });
  const ignore = () => undefined;
  const guest = new QemuGuest(spawned.process, {
    clock,
    log,
    established: true,
    emit: ignore,
    onGone: ignore,
  });
  const deadline = clock.monotonicMs() + qemuLimits.acceleratorProbeTimeoutMs;
  try {
    await bringUp(guest, spawned, {
      clock,
      log,
      signal: AbortSignal.timeout(qemuLimits.acceleratorProbeTimeoutMs),
    });
    while (clock.monotonicMs() < deadline) {
      const text = await readFile(join(directory, guestFiles.console), "latin1");
      if (text.includes(probe.marker)) return undefined;
      if (guest.facts.status !== "running") break;
      await delay(clock, markerProbePeriodMs);
    }
    const seconds = qemuLimits.acceleratorProbeTimeoutMs / 1000;
    return `Under KVM a guest did not get to its marker in ${seconds} s. ${howToInsist}`;
  } catch (error) {
    log.debug({ error: String(error), said: await lastWords(directory) }, "the KVM probe failed");
    return `Under KVM the hypervisor failed at its start. ${howToInsist}`;
  } finally {
    await guest.halt();
    guest.release();
  }
}

const markerProbePeriodMs = 25;

const howToInsist =
  "It is tried again when the computer has started anew, or with another QEMU; the option accelerator: kvm " +
  "insists on it.";

function probeSpec(instanceId: string, probe: ProbeGuest): MachineSpec {
  const image = { id: "probe", disk: null, kernel: null, ramdisk: null, commandLine: probe.commandLine };
  return {
    ...{ instanceId, project: "probe", name: "probe", ownerEpoch: 1, architecture: "x86_64", vcpus: 1 },
    ...{ memoryMib: 128, diskGib: 0, image, macAddress: "52:54:00:00:00:01", storageId: null },
    ...{ fence: false, takesOverDisk: false, recovery: "leave", machineType: null, numa: null },
  };
}

interface Kept {
  readonly key: string;
  readonly accelerator: "kvm" | "tcg";
  readonly reason: string;
}

async function cacheKey(options: AcceleratorOptions, probe: ProbeGuest): Promise<string> {
  const [bootId, version, kernel] = await Promise.all([readBootId(), options.version(), stat(probe.kernel)]);
  const user = guestUser("probe") === undefined ? "own" : "apart";
  return [bootId, version, kernel.size, Math.trunc(kernel.mtimeMs), user].join(" ");
}

async function readKept(path: string, key: string): Promise<Kept | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof content !== "object" || content === null) return undefined;
    const fields = new Map<string, unknown>(Object.entries(content));
    const accelerator = fields.get("accelerator");
    const reason = fields.get("reason");
    if (fields.get("key") !== key || typeof reason !== "string") return undefined;
    return accelerator === "kvm" || accelerator === "tcg" ? { key, accelerator, reason } : undefined;
  } catch {
    // Missing or damaged: the file is only a cache, the probe makes it anew.
    return undefined;
  }
}

async function keep(options: AcceleratorOptions, decision: Kept): Promise<void> {
  await mkdir(join(options.cacheFile, ".."), { recursive: true });
  await writeDurably(options.cacheFile, JSON.stringify(decision));
}
