/**
 * Takes the steps of volume-steps.ts, by QMP. It asks QEMU what is there before each of them, and remembers
 * nothing. Of QEMU it asks only what needs no file: a storage that hangs must not silence QEMU.
 */
import type {
  AttachedVolume,
  DetachOptions,
  GuestVolume,
  VolumeName,
} from "../../../actors/ports/hypervisor.ts";
import type { BlockDevice } from "../../../actors/ports/volumes.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { runTool } from "../tool.ts";
import { delay, throwIfAborted, within } from "../waiting.ts";
import { qemuLimits } from "./limits.ts";
import { guestDisk } from "./line/line.ts";
import { asObject, type QmpConnection, QmpRefusal } from "./qmp.ts";
import {
  type Asking,
  attachedIn,
  attachStep,
  canGiveBack,
  type DetachStep,
  detachStep,
  groupOf,
  isAsked,
  type SeenVolumes,
  volumeNames,
} from "./volume-steps.ts";
import { goneNode, groupObject, seenVolume, volumeNodes } from "./volumes.ts";

type Data = Readonly<Record<string, unknown>>;

export interface Plugging {
  readonly qmp: Pick<QmpConnection, "execute">;
  readonly instanceId: string;
  readonly signal: AbortSignal;
}

const devicesPath = "/machine/peripheral";

export async function volumesIn(plugging: Plugging): Promise<readonly AttachedVolume[]> {
  return attachedIn(await look(plugging));
}

async function look(plugging: Plugging): Promise<SeenVolumes> {
  const objects = await namesIn("/objects", plugging);
  const drives = new Map<number, string>();
  for (const name of await namesIn(devicesPath, plugging)) {
    const [, place] = /^volume([0-9]{1,3})$/.exec(name) ?? [];
    if (place === undefined) continue;
    const drive = await driveOf(name, plugging);
    if (drive !== undefined) drives.set(Number(place), drive);
  }
  return { objects, drives };
}

async function namesIn(path: string, { qmp, signal }: Plugging): Promise<readonly string[]> {
  const answer = await qmp.execute("qom-list", { path }, signal);
  return (Array.isArray(answer) ? answer : []).map((one) => String(asObject(one)?.name));
}

/** Undefined: the device has gone in this moment. */
async function driveOf(name: string, { qmp, signal }: Plugging): Promise<string | undefined> {
  try {
    return String(
      await qmp.execute("qom-get", { path: `${devicesPath}/${name}`, property: "drive" }, signal),
    );
  } catch (error) {
    if (error instanceof QmpRefusal) return undefined;
    throw error;
  }
}

export interface Attaching extends Plugging {
  readonly spec: MachineSpec;
  readonly directory: string;
}

/**
 * Takes steps until the volume is there, or the guest or QEMU has to be waited for: answers which. @throws
 * hypervisorRefused, QmpRefusal, QmpSilence, AbortError
 */
export async function attachOne(
  volume: GuestVolume,
  asking: Omit<Detaching, "force">,
  attaching: Attaching,
): Promise<"done" | "ask" | "wait"> {
  const { qmp, signal, instanceId } = attaching;
  for (;;) {
    const seen = await look(attaching);
    const canAnswer = isAsked(seen, volume.place) && (await runStateOf(attaching)) === "running";
    const step = attachStep(seen, volume, { ...asking, canAnswer });
    switch (step.kind) {
      case "done":
      case "wait":
        return step.kind;
      case "ask":
        await askFor(volume.place, attaching);
        return "ask";
      case "refuse":
        if (step.why === "dead") await unlessRefused(attaching, "device_del", idOf(volume.place));
        throw occupied(instanceId, step.why);
      case "tidy":
        if (await close(step.left, attaching)) break;
        // A device that has left its place is on its node for a moment yet.
        if (asking.waitedMs < qemuLimits.closePatienceMs) return "wait";
        throw occupied(instanceId, "dead");
      case "mark":
        await qmp.execute("object-add", groupObject(volume), signal);
        await plug(volume, attaching);
    }
  }
}

async function plug(volume: GuestVolume, attaching: Attaching): Promise<void> {
  const { qmp, signal, spec, directory } = attaching;
  try {
    for (const node of volumeNodes(volume, directory)) await unlessThere(attaching, "blockdev-add", node);
    await qmp.execute("device_add", guestDisk(spec, seenVolume(volume)), signal);
  } catch (error) {
    if (error instanceof QmpRefusal) await close(volume, attaching);
    throw error;
  }
}

const runStateOf = async ({ qmp, signal }: Plugging): Promise<string> =>
  String(asObject(await qmp.execute("query-status", {}, signal))?.status);

/** Written down before it is done: whoever comes after an agent that died knows that an answer is due. */
async function askFor(place: number, plugging: Plugging): Promise<void> {
  const asked = { "qom-type": "throttle-group", id: volumeNames(place).asked };
  await unlessRefused(plugging, "object-add", asked);
  await unlessRefused(plugging, "device_del", idOf(place));
}

export type Detaching = Pick<Asking, "force" | "waitedMs" | "askedMs">;

/**
 * Takes one step, and answers which. Before its first instruction a guest is asked for nothing: QEMU would
 * wait for that answer for ever, and take no later question.
 */
export async function detachOne(
  volume: VolumeName,
  asking: Detaching,
  plugging: Plugging,
): Promise<DetachStep["kind"]> {
  const runState = await runStateOf(plugging);
  const step = detachStep(await look(plugging), volume, { ...asking, canAnswer: canGiveBack(runState) });
  if (step.kind === "ask") await askFor(step.of.place, plugging);
  if (step.kind === "cut") await cut(step.of, plugging);
  if (step.kind === "close") return (await close(step.of, plugging)) ? "close" : "wait";
  if (step.kind !== "closeDead") return step.kind;
  for (const node of nodesOf(step.of.place)) if (!(await removeNode(node, plugging))) return "wait";
  if (runState !== "prelaunch") await unlessRefused(plugging, "device_del", idOf(step.of.place));
  return "done";
}

/**
 * Exchanges the node of a device for one that answers every request with an error. The same node once more
 * would end QEMU, so the caller has seen the volume's own node there; and nobody else is connected. Before
 * that, what waits for a server of NBD is given up: QEMU would be silent until that server answers.
 */
async function cut({ place }: AttachedVolume, plugging: Plugging): Promise<void> {
  const { device, gone, remote } = volumeNames(place);
  await unlessThere(plugging, "blockdev-add", goneNode(place));
  // QEMU refuses it for a volume that does not come by NBD.
  await unlessRefused(plugging, "yank", { instances: [{ type: "block-node", "node-name": remote }] });
  const data = { path: `${devicesPath}/${device}`, property: "drive", value: gone };
  await plugging.qmp.execute("qom-set", data, plugging.signal);
}

/** Closes what is open for a place without a device; false: QEMU is not rid of the device yet. */
async function close(volume: VolumeName & { readonly place: number }, plugging: Plugging): Promise<boolean> {
  const { gone, asked } = volumeNames(volume.place);
  for (const node of [...nodesOf(volume.place), gone]) {
    if (!(await removeNode(node, plugging))) return false;
  }
  await unlessRefused(plugging, "object-del", { id: asked });
  return unlessRefused(plugging, "object-del", { id: groupOf(volume) });
}

const idOf = (place: number) => ({ id: volumeNames(place).device });
const nodesOf = (place: number): readonly string[] => [volumeNames(place).node, volumeNames(place).data];

/** True: QEMU has no node of this name, or no longer. */
async function removeNode(name: string, { qmp, signal }: Plugging): Promise<boolean> {
  try {
    await qmp.execute("blockdev-del", { "node-name": name }, signal);
    return true;
  } catch (error) {
    if (error instanceof QmpRefusal) return /Failed to find node/.test(error.message);
    throw error;
  }
}

/** A node of this name is the one that is meant: the place is this volume's. */
async function unlessThere({ qmp, signal }: Plugging, command: string, data: Data): Promise<void> {
  try {
    await qmp.execute(command, data, signal);
  } catch (error) {
    if (!(error instanceof QmpRefusal && /Duplicate node/.test(error.message))) throw error;
  }
}

/** False: QEMU refused, and nothing was done. */
async function unlessRefused({ qmp, signal }: Plugging, command: string, data: Data): Promise<boolean> {
  try {
    await qmp.execute(command, data, signal);
    return true;
  } catch (error) {
    if (error instanceof QmpRefusal) return false;
    throw error;
  }
}

/** @throws hypervisorRefused when the guest does not have it; QmpRefusal, QmpSilence, AbortError */
export async function resize(volume: GuestVolume, sizeBytes: number, plugging: Plugging): Promise<void> {
  if (volume.device.kind === "nbd") throw new StatusError("hypervisorRefused", stays(plugging.instanceId));
  const has = (await volumesIn(plugging)).some(
    (one) => one.state === "attached" && one.volumeId === volume.volumeId && one.epoch === volume.epoch,
  );
  if (!has) throw new StatusError("hypervisorRefused", `Instance ${plugging.instanceId} has no such volume.`);
  const data = { "node-name": volumeNames(volume.place).data, size: sizeBytes };
  await plugging.qmp.execute("block_resize", data, plugging.signal);
}

/** NBD tells the size once, and QEMU never lets such a disk grow. Tried with 7.2. */
const stays = (instanceId: string): string =>
  `Instance ${instanceId} sees the new size of the volume when it is started again.`;

function occupied(instanceId: string, why: "occupied" | "elsewhere" | "dead"): StatusError {
  const messages = {
    occupied: `Another volume is in that place of instance ${instanceId}.`,
    elsewhere: `The volume is in another place of instance ${instanceId}, or there with an earlier epoch.`,
    dead: `The guest of instance ${instanceId} has not given back a volume in that place: stop it and start it again.`,
  };
  return new StatusError("hypervisorRefused", messages[why]);
}

export interface BySteps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly instanceId: string;
}

/**
 * Takes step after step until the volume is gone. @throws hypervisorRefused when QEMU does not close it;
 * AbortError; what a step throws
 */
export function detachBySteps(
  { force = false, waitedMs = 0, ...by }: DetachOptions & BySteps,
  take: (asking: Detaching) => Promise<DetachStep["kind"]>,
): Promise<void> {
  return bySteps(by, ({ passedMs, askedMs }) => take({ force, waitedMs: waitedMs + passedMs, askedMs }));
}

/** Takes step after step until the volume is there. @throws AbortError; what a step throws */
export const attachBySteps = (
  by: BySteps,
  take: (asking: Omit<Detaching, "force">) => Promise<"done" | "ask" | "wait">,
): Promise<void> => bySteps(by, ({ passedMs: waitedMs, askedMs }) => take({ waitedMs, askedMs }));

interface Passed {
  readonly passedMs: number;
  /** Since the guest was asked the last time. */
  readonly askedMs: number | undefined;
}

async function bySteps(
  { clock, signal, instanceId }: BySteps,
  take: (passed: Passed) => Promise<DetachStep["kind"]>,
): Promise<void> {
  const beganMs = clock.monotonicMs();
  const endMs = beganMs + qemuLimits.detachPatienceMs + qemuLimits.closePatienceMs;
  for (let lastMs: number | undefined; ; ) {
    const nowMs = clock.monotonicMs();
    const askedMs = lastMs === undefined ? undefined : nowMs - lastMs;
    const step = await take({ passedMs: nowMs - beganMs, askedMs });
    if (step === "done") return;
    if (step === "ask") lastMs = nowMs;
    if (nowMs > endMs) throw notClosed(instanceId);
    if (step === "ask" || step === "wait") await delay(clock, qemuLimits.unplugProbeMs, signal);
    throwIfAborted(signal);
  }
}

const notClosed = (instanceId: string): StatusError =>
  new StatusError("hypervisorRefused", `The hypervisor of instance ${instanceId} does not close a volume.`);

/**
 * QEMU cuts a file off without a word. Its size is not asked of QEMU, which would ask the files of all
 * disks; nor by this process, whose few threads for files a storage that hangs would hold.
 * @throws hypervisorRefused, storageUnknown
 */
export async function refuseShrinking(device: BlockDevice, sizeBytes: number, clock: Clock): Promise<void> {
  if (device.kind !== "file") return;
  const late = () => new StatusError("storageUnknown", "The storage of the volume does not answer.");
  const timeoutMs = qemuLimits.qmpCommandTimeoutMs;
  const asked = runTool("stat", ["-L", "-c", "%s", "--", device.path], { timeoutMs });
  // A tool that was killed may hang in the kernel.
  const { exitCode, output, errors: detail } = await within(asked, { clock, timeoutMs, late });
  if (exitCode === null) throw late();
  if (exitCode !== 0)
    throw new StatusError("hypervisorRefused", "The size of a volume could not be asked for.", { detail });
  if (Number(output) <= sizeBytes) return;
  throw new StatusError("hypervisorRefused", "A volume is never made smaller.");
}
