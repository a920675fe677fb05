/**
 * How long a volume takes into a running guest and out of it, by a cluster and by bare QMP: the same command
 * line, the same guest, which writes to its volume all the time. In turns; whoever is not measured is frozen.
 * Bare QMP is three commands each way, without limits for the volume, and without anybody who knows of it.
 */
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { portOf } from "../drivers/qemu/line/root-ports.ts";
import type { QmpEvent } from "../drivers/qemu/qmp.ts";
import type { BenchCluster } from "./bench-cluster.ts";
import { byHandWithinMs, commandOf, type GuestByHand, startByHand } from "./by-hand.ts";
import { round, spread } from "./figures.ts";
import type { Note } from "./note.ts";
import { serialOf, VolumeConsole } from "./volume-guest.ts";

const gibibyte = 1024 ** 3;

export interface PlugOptions {
  readonly rounds: number;
  /** Rounds before them, which are not counted: the first makes the volume's file. */
  readonly warmUps: number;
  readonly note: Note;
}

/** Of one volume, once in and once out, in ms. */
interface Plugged {
  /** Until the guest has written to it. */
  readonly usableMs: number;
  /** Until the caller knows that it is in, which may be before. */
  readonly attachedMs: number;
  /** Until the caller hears that the volume is open nowhere. */
  readonly detachedMs: number;
}

interface Plugger {
  readonly pid: number;
  readonly console: VolumeConsole;
  readonly volumeId: string;
  attach(): Promise<unknown>;
  detach(): Promise<unknown>;
}

/** `instanceId`: a guest of volume-guest.ts, which says that it is ready. */
export async function plugged(cluster: BenchCluster, instanceId: string, options: PlugOptions) {
  const command = commandOf(cluster, instanceId);
  const events = new Events();
  const bare = await frozen(command.pid, () => startByHand(cluster, command, events.take));
  try {
    const byHand = await byQmp(bare, events);
    await frozen(command.pid, () => byHand.console.ready());
    const ours = await byCluster(cluster, instanceId, command);
    const pairs: { readonly novact: Plugged; readonly bareQmp: Plugged }[] = [];
    for (let index = -options.warmUps; index < options.rounds; index += 1) {
      const novact = await frozen(byHand.pid, () => once(ours));
      const bareQmp = await frozen(ours.pid, () => once(byHand));
      if (index < 0) continue;
      pairs.push({ novact, bareQmp });
      options.note(`plugged ${index + 1}`, { novact, bareQmp });
    }
    return { ...compared(pairs), target: "at most 1,000 ms above bare QMP" };
  } finally {
    await bare.end();
  }
}

async function frozen<T>(pid: number, work: () => Promise<T>): Promise<T> {
  process.kill(pid, "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

async function once({ console, volumeId, attach, detach }: Plugger): Promise<Plugged> {
  const before = { HAS: console.count("HAS", volumeId), LOST: console.count("LOST", volumeId) };
  const attachMs = performance.now();
  const attached = attach().then(() => performance.now() - attachMs);
  const usableMs = (await console.said("HAS", volumeId, before.HAS)) - attachMs;
  const attachedMs = await attached;
  const detachMs = performance.now();
  await detach();
  const detachedMs = performance.now() - detachMs;
  // A guest that still has the old device would take the next one for it.
  await console.said("LOST", volumeId, before.LOST);
  return { usableMs: round(usableMs), attachedMs: round(attachedMs), detachedMs: round(detachedMs) };
}

async function byCluster({ demo }: BenchCluster, id: string, command: ReturnType<typeof commandOf>) {
  const { volume } = await demo.volume.create({ name: "bench", sizeGib: 1 });
  const asked = { volume: volume.id, wait: true };
  const console = new VolumeConsole(command.directory);
  return {
    ...{ pid: command.pid, volumeId: volume.id, console },
    attach: async () => done(await demo.instance.volumeAttach(id, asked)),
    detach: async () => done(await demo.instance.volumeDetach(id, asked)),
  } satisfies Plugger;
}

function done({ operation }: { readonly operation: { readonly state: string; readonly error?: unknown } }) {
  if (operation.state !== "done") throw new Error(`It is ${operation.state}: ${JSON.stringify(operation)}`);
}

async function byQmp({ pid, directory, qmp, ended }: GuestByHand, events: Events): Promise<Plugger> {
  const [volumeId, device, node] = ["by-hand-0000-0000-000000", "bare", "bareData"];
  const filename = join(directory, "volume.raw");
  writeFileSync(filename, "");
  truncateSync(filename, gibibyte);
  const file = { driver: "file", filename, locking: "on", discard: "unmap" };
  const where = { id: device, drive: node, bus: portOf("volume", 0), serial: serialOf(volumeId) };
  const policy = { werror: "enospc", rerror: "report" };
  return {
    ...{ pid, volumeId, console: new VolumeConsole(directory) },
    async attach() {
      await qmp.execute("blockdev-add", { driver: "raw", "node-name": node, discard: "unmap", file });
      await qmp.execute("device_add", { driver: "virtio-blk-pci", ...where, ...policy });
    },
    async detach() {
      const is = ({ name, data }: QmpEvent) => name === "DEVICE_DELETED" && data.device === device;
      const unplug = () => qmp.execute("device_del", { id: device });
      await events.following(unplug, { what: "DEVICE_DELETED", is, ended });
      await qmp.execute("blockdev-del", { "node-name": node });
    },
  };
}

/** The events of a QEMU, for whoever waits for one. */
class Events {
  readonly #waiting = new Set<(event: QmpEvent) => void>();

  readonly take = (event: QmpEvent): void => {
    for (const each of this.#waiting) each(event);
  };

  /**
   * Does the work, and resolves with the event that follows. @throws Error when QEMU has ended, or has not
   * told of it in time
   */
  async following(
    work: () => Promise<unknown>,
    { what, is, ended }: { what: string; is: (event: QmpEvent) => boolean; ended: AbortSignal },
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    const each = (event: QmpEvent) => is(event) && resolve();
    const onEnd = () => reject(ended.reason);
    this.#waiting.add(each);
    ended.addEventListener("abort", onEnd);
    const late = () => reject(new Error(`QEMU by hand did not tell in time: ${what}.`));
    const timer = setTimeout(late, byHandWithinMs);
    try {
      await work();
      await promise;
    } finally {
      clearTimeout(timer);
      ended.removeEventListener("abort", onEnd);
      this.#waiting.delete(each);
    }
  }
}

function compared(pairs: readonly { readonly novact: Plugged; readonly bareQmp: Plugged }[]) {
  const of = (figure: keyof Plugged) => ({
    novact: spread(pairs.map(({ novact }) => novact[figure])),
    bareQmp: spread(pairs.map(({ bareQmp }) => bareQmp[figure])),
    /** Within a pair. */
    above: spread(pairs.map(({ novact, bareQmp }) => novact[figure] - bareQmp[figure])),
  });
  return { usableMs: of("usableMs"), attachedMs: of("attachedMs"), detachedMs: of("detachedMs"), pairs };
}
