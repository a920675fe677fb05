/**
 * Copies of root disks on a simulated host, on their way to an image: files in the directories of guests,
 * which outlive the agent and go with the guest, and the jobs of guests' processes, which go on when the
 * agent has died. A disk has a number in it, the one of its guest's last write; a copy has the number that
 * was there when it began, and tells of a disk that changed while a tool was reading it.
 */
import { createHash } from "node:crypto";
import type { CopyName, CopyWay, DiskCopies, KeptCopy } from "../../actors/ports/disk-copies.ts";
import type { Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { CopiesAtRest } from "../../actors/promises/image-facts.ts";
import { throwIfAborted } from "../../nodes/drivers/waiting.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { ToldOfImage } from "./cluster-told.ts";
import type { ImageStores } from "./image-stores.ts";
import type { RootDisks } from "./root-disks.ts";
import type { SlowVerb } from "./slowed-network.ts";
import type { WatchedWorld } from "./watched-world.ts";

/** As one life of an agent makes copies. */
interface Reach {
  readonly verb: SlowVerb;
  /** Work that needs room. */
  readonly roomy: <T>(work: () => Promise<T>) => Promise<T>;
  readonly stores: ImageStores;
}

interface Part extends CopyName {
  readonly directory: object;
  /** Undefined: it is not filled. */
  number: number | undefined;
}

interface Whole extends KeptCopy {
  readonly directory: object;
  readonly content: Buffer;
}

/** A copy by the guest's own process. */
interface Job extends CopyName {
  readonly pid: number;
}

/** A copy is made in so many, and sent in pieces of so many bytes. */
const pieces = [1, 2, 3];
const pieceBytes = 32;
/** The number in a copy of different moments. */
const torn = -1;

export class HostCopies {
  readonly #world: WatchedWorld;
  readonly #roots: RootDisks;
  readonly #told: (what: ToldOfImage) => void;
  readonly #parts = new Map<string, Part>();
  readonly #whole = new Map<string, Whole>();
  readonly #jobs = new Map<string, Job>();

  constructor(world: WatchedWorld, roots: RootDisks, told: (what: ToldOfImage) => void) {
    this.#world = world;
    this.#roots = roots;
    this.#told = told;
  }

  /** What there is of copies, for the judge. */
  atRest(): readonly Omit<CopiesAtRest[number], "hostId">[] {
    const named =
      (what: CopiesAtRest[number]["what"]) =>
      ({ imageId, instanceId }: CopyName) => {
        return { what, imageId, instanceId };
      };
    return [
      ...[...this.#parts.values()].filter((one) => this.#isThere(one)).map(named("part")),
      ...[...this.#whole.values()].filter((one) => this.#isThere(one)).map(named("copy")),
      ...[...this.#jobs.values()].filter((one) => this.#goesOn(one)).map(named("job")),
    ];
  }

  /** For one life of an agent. */
  portOf({ verb, roomy, stores }: Reach): DiskCopies {
    return {
      prepare: (of, signal) => verb("prepareCopy", () => roomy(async () => this.#prepare(of)), signal),
      fill: async (of, signal) => {
        const part = await verb("prepareCopy", () => roomy(async () => this.#begin(of)), signal);
        const found = new Set<number>();
        for (const _ of pieces)
          await verb("copyDisk", () => roomy(async () => found.add(this.#numberOf(of))), signal);
        throwIfAborted(signal);
        const [first = torn] = found;
        part.number = found.size === 1 ? first : torn;
      },
      keep: (of, signal) => verb("keepCopy", () => roomy(async () => this.#keep(of)), signal),
      kept: async () => [...this.#whole.values()].filter((one) => this.#isThere(one)).map(keptOf),
      send: (imageId, way, signal) => this.#send(imageId, way, { verb, stores, signal }),
      remove: (imageId) =>
        verb("removeCopy", async () => {
          this.#whole.delete(imageId);
        }),
      clear: (instanceId) =>
        verb("clearCopy", async () => {
          this.#parts.delete(instanceId);
        }),
      leftovers: async () =>
        [...this.#parts.values()].filter((one) => this.#isThere(one)).map(({ instanceId }) => instanceId),
    };
  }

  /** Of the hypervisor, in one life of an agent. */
  verbsOf({ verb }: Pick<Reach, "verb">): Required<Pick<Hypervisor, "copyRoot" | "endCopy">> {
    return {
      copyRoot: async (instanceId, { onProgress }, signal) => {
        const { job, part, number } = await verb("copyRoot", async () => this.#beginJob(instanceId), signal);
        try {
          for (const piece of pieces) {
            await verb("copyRoot", async () => this.#lookAt(job), signal);
            throwIfAborted(signal);
            onProgress(piece, pieces.length);
          }
        } catch (error) {
          // Of a guest that does not answer the job goes on.
          if (this.#world.answers(instanceId)) this.#jobs.delete(instanceId);
          throw error;
        }
        this.#jobs.delete(instanceId);
        part.number = number;
      },
      endCopy: (instanceId) =>
        verb("endCopy", async () => {
          if (!this.#world.answers(instanceId)) throw silent(instanceId);
          this.#jobs.delete(instanceId);
        }),
    };
  }

  #prepare(of: CopyName): string {
    this.#begin(of);
    return `/fake/guests/${of.instanceId}/copy.part`;
  }

  #begin({ imageId, instanceId, ownerEpoch }: CopyName): Part {
    const directory = this.#world.disks.get(instanceId);
    if (directory === undefined || this.#roots.of(instanceId) === undefined) throw noDisk(instanceId);
    const part = { imageId, instanceId, ownerEpoch, directory, number: undefined };
    this.#parts.set(instanceId, part);
    return part;
  }

  #numberOf({ instanceId }: CopyName): number {
    const root = this.#roots.of(instanceId);
    if (root === undefined) throw noDisk(instanceId);
    return root.writes;
  }

  #beginJob(instanceId: string) {
    const guest = this.#world.find(instanceId);
    const part = this.#parts.get(instanceId);
    if (!this.#world.answers(instanceId)) throw silent(instanceId);
    if (guest === undefined || part === undefined || !this.#isThere(part)) throw lost();
    const { imageId, ownerEpoch } = part;
    const job = { imageId, instanceId, ownerEpoch, pid: guest.pid };
    this.#jobs.set(instanceId, job);
    return { job, part, number: this.#numberOf(job) };
  }

  #lookAt(job: Job): void {
    if (!this.#goesOn(job)) throw lost();
    if (!this.#world.answers(job.instanceId)) throw silent(job.instanceId);
  }

  #goesOn(job: Job): boolean {
    const isSame = this.#world.processOf(job.instanceId)?.pid === job.pid;
    return isSame && this.#jobs.get(job.instanceId) === job;
  }

  #keep(of: CopyName): KeptCopy {
    const { imageId, instanceId } = of;
    const part = this.#parts.get(instanceId);
    if (part?.number === undefined || part.imageId !== imageId || !this.#isThere(part)) throw lost();
    const { directory, number, ownerEpoch } = part;
    const content = Buffer.concat([qcow2, Buffer.from(JSON.stringify({ instanceId, number }))]);
    const sha256 = createHash("sha256").update(content).digest("hex");
    const about = { imageId, instanceId, ownerEpoch, sizeBytes: content.length, sha256 };
    this.#parts.delete(instanceId);
    this.#whole.set(imageId, { ...about, directory, content });
    this.#told({ kind: "diskCopied", imageId, instanceId, sha256, number });
    return about;
  }

  async #send(imageId: string, way: CopyWay, { verb, stores, signal }: Sending): Promise<void> {
    for (let offset = way.nextOffset; ; ) {
      const copy = this.#whole.get(imageId);
      if (copy === undefined || !this.#isThere(copy)) throw lost();
      if (offset >= copy.sizeBytes) return;
      const bytes = copy.content.subarray(offset, offset + pieceBytes);
      offset = await verb("sendCopy", () => stores.take(way, offset, bytes), signal);
    }
  }

  /** It has gone with the directory of its guest. */
  #isThere({ instanceId, directory }: { readonly instanceId: string; readonly directory: object }): boolean {
    return this.#world.disks.get(instanceId) === directory;
  }
}

interface Sending extends Pick<Reach, "verb" | "stores"> {
  readonly signal: AbortSignal;
}

/** The first bytes of every file of that format. */
const qcow2 = Buffer.from("QFI\xfb", "latin1");

const keptOf = ({ imageId, instanceId, ownerEpoch, sizeBytes, sha256 }: Whole): KeptCopy => {
  return { imageId, instanceId, ownerEpoch, sizeBytes, sha256 };
};
const lost = (): StatusError => new StatusError("copyLost", "The simulated copy is gone.");
const noDisk = (instanceId: string): StatusError =>
  new StatusError("diskMissing", `The simulated instance ${instanceId} has no root disk here.`);
const silent = (instanceId: string): StatusError =>
  new StatusError("hypervisorRefused", `The simulated hypervisor of ${instanceId} does not answer.`);
