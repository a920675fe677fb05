/**
 * Copies of root disks that controllers ask for, for images. A guest that lives is copied by its hypervisor,
 * one that is down by a tool, and its machine's work goes before that. What is made is told when it is asked
 * for; a copy that is whole outlives the agent, and any other begins anew. Nothing here may ever change what
 * a guest has, or be waited for by its machine.
 */
import type { DiskCopy } from "../../../protocol/host-images.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { CopyOf, CopyWay, DiskCopies } from "../../ports/disk-copies.ts";
import type { Hypervisor } from "../../ports/hypervisor.ts";
import { filling } from "../../runtime/filling.ts";
import { CalledOff, type DiskTurns } from "../machine/disk-turns.ts";
import { type CopyState, copyView, forgotten, nextToCopy } from "./copy-plan.ts";
import { hostLimits } from "./limits.ts";

type Asked = RequestOf<(typeof hostAgentService)["methods"]["copyDisk"]>;

export interface CopiesOptions {
  readonly hypervisor: Pick<Hypervisor, "inspect" | "copyRoot" | "endCopy">;
  /** Absent: none is made on this host. */
  readonly copies?: DiskCopies | undefined;
  readonly diskTurns: DiskTurns;
  readonly clock: Clock;
  readonly log: Log;
}

interface Copy extends CopyState {
  readonly of: CopyOf;
  readonly abort: AbortController;
}

export class RootCopies {
  readonly #options: CopiesOptions;
  readonly #copies = new Map<string, Copy>();
  readonly #underWay = new Set<Promise<void>>();
  /** Guests whose process, or directory, has what could not be ended of an earlier copy. */
  readonly #left = new Set<string>();
  /** By guest: what is being ended and cleared of it. */
  readonly #clearing = new Map<string, Promise<void>>();
  #making = false;
  #opened: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  readonly handlers: Pick<Handlers<typeof hostAgentService>, "copyDisk" | "endCopy"> = {
    copyDisk: (asked) => this.#copyDisk(asked),
    endCopy: async ({ imageId }) => {
      await this.#open();
      await this.#end(imageId);
      return {};
    },
  };

  /** Removes what an earlier life of the agent has left half done, and what nobody asks for. */
  async tidy(): Promise<void> {
    await this.#open();
    for (const instanceId of this.#left) await this.#clearLeft(instanceId).catch(() => undefined);
    for (const imageId of forgotten(this.#copies.values(), this.#nowMs())) await this.#end(imageId);
  }

  /** What is under way is called off: the next life of the agent begins it anew. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { abort } of this.#copies.values()) abort.abort();
    await Promise.allSettled(this.#underWay);
  }

  async #copyDisk({ upload, ...of }: Asked): Promise<DiskCopy> {
    if (this.#stopped) throw new StatusError("hostStopping", "The host's agent is ending.");
    await this.#open();
    const { imageId, instanceId } = of;
    if (this.#left.has(instanceId)) await this.#clearLeft(instanceId);
    const known = this.#copies.get(imageId) ?? this.#take(of);
    this.#copies.set(imageId, { ...known, askedAtMs: this.#nowMs() });
    this.#beginNext();
    if (upload !== undefined && known.state === "ready")
      this.#begin(imageId, () => this.#send(imageId, upload));
    return copyView(this.#copies.get(imageId) ?? known);
  }

  #take(of: CopyOf): Copy {
    if (this.#copies.size >= hostLimits.copiesMax)
      throw new StatusError("tooManyRequests", "The host has more disks to copy than it takes on.");
    const abort = new AbortController();
    const none = { doneBytes: 0, totalBytes: 0, askedAtMs: this.#nowMs() };
    return { imageId: of.imageId, of, abort, state: "waiting", ...none };
  }

  #beginNext(): void {
    // One that was ended may still be on its way out, and files of one guest's copies have one name.
    const imageId = this.#stopped || this.#making ? undefined : nextToCopy(this.#copies.values());
    if (imageId === undefined) return;
    this.#change(imageId, { state: "copying" });
    this.#begin(imageId, () => this.#make(imageId));
  }

  #begin(imageId: string, work: () => Promise<void>): void {
    const running = work()
      .catch((thrown: unknown) => this.#failed(imageId, thrown))
      .finally(() => {
        this.#underWay.delete(running);
        this.#beginNext();
      });
    this.#underWay.add(running);
  }

  async #make(imageId: string): Promise<void> {
    const copy = this.#copies.get(imageId);
    if (copy === undefined) return;
    const { of, abort } = copy;
    this.#making = true;
    try {
      await this.#fill(of, abort.signal);
      abort.signal.throwIfAborted();
      const kept = await this.#port.keep(of, abort.signal);
      this.#change(imageId, { state: "ready", kept });
      // It was ended while it was being kept: what was removed then was not there yet.
      if (!this.#copies.has(imageId)) await this.#port.remove(imageId);
    } catch (error) {
      // A job that goes on writes to the file: its name has to say so.
      const { reason } = StatusError.from(error, "Copying the disk");
      if (reason === "hypervisorRefused") this.#left.add(of.instanceId);
      throw error;
    } finally {
      try {
        if (!this.#left.has(of.instanceId)) await this.#port.clear(of.instanceId);
      } finally {
        this.#making = false;
      }
    }
  }

  async #fill(of: CopyOf, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#fillOnce(of, signal);
      } catch (error) {
        if (!(error instanceof CalledOff) || attempt >= hostLimits.copyAttemptsMax) throw error;
        await this.#options.diskTurns.whenFree(of.instanceId, signal);
        signal.throwIfAborted();
      }
    }
  }

  async #fillOnce(of: CopyOf, signal: AbortSignal): Promise<void> {
    const { hypervisor, diskTurns } = this.#options;
    const guest = await hypervisor.inspect(of.instanceId);
    if (guest !== undefined) return this.#copyLiving(of, guest.ownerEpoch, signal);
    await diskTurns.copy(of.instanceId, signal, async (turn) => {
      // Started since the look before: then its hypervisor copies.
      if ((await hypervisor.inspect(of.instanceId)) === undefined) await this.#port.fill(of, turn);
      else throw new CalledOff("copyLost", "The guest has started while its disk was to be copied.");
    });
  }

  async #copyLiving(of: CopyOf, ownerEpoch: number, signal: AbortSignal): Promise<void> {
    const { hypervisor } = this.#options;
    const { instanceId, imageId } = of;
    if (ownerEpoch !== of.ownerEpoch)
      throw new StatusError("staleEpoch", `Another owner epoch of instance ${instanceId} runs here.`);
    if (hypervisor.copyRoot === undefined) throw notCopied();
    const path = await this.#port.prepare(of, signal);
    const onProgress = (doneBytes: number, totalBytes: number) =>
      this.#change(imageId, { doneBytes, totalBytes });
    const bytesPerSecond = hostLimits.copySecondBytesMax;
    const copy = { path, bytesPerSecond, onProgress };
    const left = async () => (await this.#port.leftBytes?.()) ?? Number.POSITIVE_INFINITY;
    const { clock } = this.#options;
    const { copyRoot } = hypervisor;
    await filling({ clock, signal, left }, (until) => copyRoot.call(hypervisor, instanceId, copy, until));
  }

  async #send(imageId: string, way: CopyWay): Promise<void> {
    const copy = this.#copies.get(imageId);
    if (copy === undefined) return;
    this.#change(imageId, { state: "sending", failure: undefined });
    try {
      await this.#port.send(imageId, way, copy.abort.signal);
      this.#change(imageId, { state: "ready" });
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Sending a copy of a disk");
      if (reason === "copyLost") throw thrown;
      // It is offered another way when it is asked for again.
      this.#change(imageId, { state: "ready", failure: { reason, message } });
    }
  }

  #failed(imageId: string, thrown: unknown): void {
    if (this.#stopped || this.#copies.get(imageId)?.abort.signal.aborted !== false) return;
    const { reason, message, detail } = StatusError.from(thrown, "Copying the disk");
    this.#options.log.warn({ imageId, reason, detail, err: thrown }, "A copy of a root disk has failed.");
    this.#change(imageId, { state: "failed", kept: undefined, failure: { reason, message } });
  }

  /** A copy that was ended meanwhile stays so. */
  #change(imageId: string, change: Partial<CopyState>): void {
    const copy = this.#copies.get(imageId);
    if (copy !== undefined) this.#copies.set(imageId, { ...copy, ...change });
  }

  async #end(imageId: string): Promise<void> {
    const copy = this.#copies.get(imageId);
    this.#copies.delete(imageId);
    copy?.abort.abort();
    await this.#options.copies?.remove(imageId);
  }

  /**
   * Once at a time: a second one would end the copy that begins after the first. @throws hypervisorRefused
   */
  #clearLeft(instanceId: string): Promise<void> {
    const clearing =
      this.#clearing.get(instanceId) ??
      this.#clear(instanceId).finally(() => this.#clearing.delete(instanceId));
    this.#clearing.set(instanceId, clearing);
    return clearing;
  }

  /** The guest's process goes on with a copy that nobody will ask for. @throws hypervisorRefused */
  async #clear(instanceId: string): Promise<void> {
    const { hypervisor } = this.#options;
    this.#left.add(instanceId);
    if ((await hypervisor.inspect(instanceId)) !== undefined)
      await hypervisor.endCopy?.(instanceId).catch((cause: unknown) => {
        const message = "The guest's process does not end an earlier copy of its disk.";
        throw new StatusError("hypervisorRefused", message, { cause });
      });
    await this.#port.clear(instanceId);
    this.#left.delete(instanceId);
  }

  /** Once in each life of the agent. */
  #open(): Promise<void> {
    this.#opened ??= this.#settle().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #settle(): Promise<void> {
    const { copies, log } = this.#options;
    if (copies === undefined) return;
    // A guest that hangs keeps the copies of no other one from being made.
    for (const instanceId of await copies.leftovers())
      await this.#clearLeft(instanceId).catch((error: unknown) => {
        log.warn({ instanceId, err: error }, "What is left of a copy could not be ended.");
      });
    for (const kept of await copies.kept()) {
      const of = { ...kept, base: null };
      const all = { doneBytes: kept.sizeBytes, totalBytes: kept.sizeBytes, askedAtMs: this.#nowMs() };
      const { imageId } = kept;
      this.#copies.set(imageId, { imageId, of, abort: new AbortController(), state: "ready", kept, ...all });
    }
  }

  get #port(): DiskCopies {
    const { copies } = this.#options;
    if (copies === undefined) throw notCopied();
    return copies;
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

const notCopied = (): StatusError =>
  new StatusError("notCopyable", "The drivers of the instance's host copy no disks.");
