/**
 * The image cache of a simulated host, which outlives its agent: which images it has, which parts of others,
 * and which its guests need. Its agent asks controllers as a real one does, and gets an image in pieces, at
 * each of which anything may die or be full. What goes is chosen by the agent's own rules.
 */
import { createHash } from "node:crypto";
import type { Disks } from "../../actors/ports/disks.ts";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import { type ImageConnection, ImageQuestions } from "../../nodes/compute/image-questions.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import type { BringImage } from "../../nodes/drivers/images/cache.ts";
import { chooseEvicted } from "../../nodes/drivers/images/eviction.ts";
import { KnownPeers } from "../../nodes/drivers/images/known-peers.ts";
import type { Pulling } from "../../nodes/drivers/images/pull.ts";
import { type AskImageOrigins, pulledImages } from "../../nodes/drivers/images/pulled.ts";
import { type ImageOrigin, type ImagePart, makeWhole } from "../../nodes/drivers/images/whole.ts";
import { Turns, throwIfAborted } from "../../nodes/drivers/waiting.ts";
import { filesOf } from "../../protocol/image.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { MemoryTransfer } from "../support/memory-image-giving.ts";
import type { ToldOfImage } from "./cluster-told.ts";
import type { ImageStores } from "./image-stores.ts";
import type { Parameters } from "./plan-parameters.ts";
import type { SimulatedProcess } from "./process.ts";

/** Controllers and other hosts, as a life of an agent reaches them. */
export interface ImageReach {
  readonly ask: AskImageOrigins;
  readonly stores: ImageStores;
  /** The host gives wrong bytes to other hosts. */
  readonly lies: boolean;
}

export const pullsImages = ({ pulledImages, oneVersion }: Parameters): boolean =>
  pulledImages === true && oneVersion === true;

/** Those of a cluster, as they live at the moment of each question. Undefined: hosts pull no images. */
export function reachedBy(
  connection: ImageConnection,
  stores: ImageStores,
  parameters: Parameters,
): ImageReach | undefined {
  if (!pullsImages(parameters)) return undefined;
  const questions = new ImageQuestions();
  questions.connect(connection);
  const lies = parameters.lyingPeers === true && Number(connection.hostId.slice(1)) % 2 === 1;
  return { ask: questions.ask, stores, lies };
}

interface Reach extends ImageReach {
  readonly agent: SimulatedProcess;
  /** One piece of an image: time passes, and much may happen. */
  readonly step: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** Of an image. */
const pieces = 2;
/** Images in a cache. */
const imagesMax = 3;

export class HostImages {
  readonly #world: FakeWorld;
  readonly #told: (what: ToldOfImage) => void;
  /** When each was last used, by its place in the order of uses. */
  readonly #cached = new Map<string, number>();
  /** What has come. */
  readonly #parts = new Map<string, Buffer>();
  /** Whole images, by checksum, with the bytes that came. */
  readonly #contents = new Map<string, Buffer>();
  readonly #needed = new Map<string, readonly string[]>();
  #uses = 0;

  constructor(world: FakeWorld, told: (what: ToldOfImage) => void) {
    this.#world = world;
    this.#told = told;
  }

  /**
   * Disks that are made of images of the cache, for one life of an agent, and what this life gives to other
   * hosts.
   */
  behind(disks: Disks, reach: Reach): { readonly disks: Disks; readonly imageGiving: ImageGiving } {
    const { agent, stores, lies } = reach;
    const came = new KnownPeers(agent);
    const images = () =>
      new Map([...this.#contents].toSorted(([a], [b]) => this.#usedAt(b) - this.#usedAt(a)));
    const imageGiving = stores.peers.givingOf({ agent, images, came, lies });
    const sizeOf = (sha256: string) => stores.rowSizeOf(sha256);
    return { disks: this.#through(disks, { bring: this.#bringing(reach, came), sizeOf }), imageGiving };
  }

  #usedAt(sha256: string): number {
    return this.#cached.get(sha256) ?? 0;
  }

  #through(disks: Disks, given: Pick<Work, "bring" | "sizeOf">): Disks {
    const leased = new Map<string, number>();
    const work = { ...given, leased };
    // One copy of an image at a time, however many guests wait for it.
    const turns = new Turns();
    const { configDrives, localDisks } = disks;
    const lease = (sha256: string, more: 1 | -1) => leased.set(sha256, (leased.get(sha256) ?? 0) + more);
    return {
      ...(configDrives === undefined ? {} : { configDrives }),
      ...(localDisks === undefined ? {} : { localDisks }),
      image: async ({ sha256, instanceId }, signal) => {
        lease(sha256, 1);
        try {
          await turns.run(sha256, () => this.#ensure(sha256, { instanceId }, { ...work, signal }));
          return `/fake/images/${sha256}`;
        } finally {
          lease(sha256, -1);
        }
      },
      ensure: async (spec, signal, networks) => {
        const sha256s = [...new Set(filesOf(spec.image))];
        for (const sha256 of sha256s) lease(sha256, 1);
        try {
          for (const sha256 of sha256s)
            await turns.run(sha256, () => this.#ensure(sha256, spec, { ...work, signal }));
          const paths = await disks.ensure(spec, signal, networks);
          this.#needed.set(spec.instanceId, sha256s);
          this.#told({ kind: "imagesNeeded", instanceId: spec.instanceId, sha256s });
          return paths;
        } finally {
          for (const sha256 of sha256s) lease(sha256, -1);
        }
      },
      release: async (instanceId, ...rest) => {
        await disks.release(instanceId, ...rest);
        if (this.#world.disks.has(instanceId) || !this.#needed.delete(instanceId)) return;
        this.#told({ kind: "imagesLetGo", instanceId, sha256s: [] });
      },
      list: () => disks.list(),
      listShared: () => disks.listShared(),
      releaseShared: (...asked) => disks.releaseShared(...asked),
    };
  }

  async #ensure(sha256: string, { instanceId }: Pick<MachineSpec, "instanceId">, work: Work): Promise<void> {
    this.#uses += 1;
    if (!this.#cached.has(sha256)) {
      this.#makeRoom(work.leased);
      const { sizeOf } = work;
      await work.bring({ sha256, sizeBytes: sizeOf(sha256), instanceId }, sha256, work.signal);
      const content = this.#parts.get(sha256) ?? Buffer.alloc(0);
      this.#parts.delete(sha256);
      // Others may have come meanwhile.
      if (!this.#cached.has(sha256)) this.#makeRoom(work.leased);
      if (!this.#cached.has(sha256)) this.#told({ kind: "imageCached", sha256 });
      this.#contents.set(sha256, content);
    }
    this.#cached.set(sha256, this.#uses);
  }

  /** @throws diskFull */
  #makeRoom(leased: ReadonlyMap<string, number>): void {
    const files = [...this.#cached].map(([sha256, usedAtMs]) => ({ sha256, allocatedBytes: 1, usedAtMs }));
    const inMachines = [...this.#world.machineFiles.values()].flatMap((text) =>
      [...text.matchAll(/"sha256":"([0-9a-f]{64})"/g)].map(([, sha256 = ""]) => sha256),
    );
    const held = [...leased].flatMap(([sha256, count]) => (count > 0 ? [sha256] : []));
    const inUse = new Set([...held, ...inMachines, ...[...this.#needed.values()].flat()]);
    const bounds = { cacheBytesMax: imagesMax, freeBytes: 1_000, freeBytesMin: 0, wantedBytes: 1 };
    const { evicted, enough } = chooseEvicted(files, inUse, bounds);
    if (!enough) throw new StatusError("diskFull", "The simulated cache of images has no room.");
    for (const sha256 of evicted) {
      this.#cached.delete(sha256);
      this.#contents.delete(sha256);
      this.#told({ kind: "imageEvicted", sha256 });
    }
  }

  #bringing({ ask, agent, step, stores }: Reach, peers: KnownPeers): BringImage {
    const partOf = (sha256: string) => this.#parts.get(sha256) ?? Buffer.alloc(0);
    const pull = async ({
      image,
      origins,
      signal,
      noted = () => undefined,
      came,
    }: Pulling): Promise<void> => {
      const { sha256, sizeBytes } = image;
      let fromHostsBytes = 0;
      const part: ImagePart = {
        get at() {
          return partOf(sha256).length;
        },
        clear: async () => void this.#parts.delete(sha256),
        digest: () => createHash("sha256").update(partOf(sha256)).digest("hex"),
      };
      const bring = async (origin: ImageOrigin) => {
        const source = sourceOf(origin, sha256, { agent, stores });
        const piece = async () => {
          throwIfAborted(signal);
          const more = source.read(part.at, Math.ceil(sizeBytes / pieces));
          this.#parts.set(sha256, Buffer.concat([partOf(sha256), more ?? Buffer.alloc(0)]));
          came?.(origin, more?.length ?? 0);
          if (origin.hostId !== undefined) fromHostsBytes += more?.length ?? 0;
          return more !== undefined && more.length > 0;
        };
        try {
          while (part.at < sizeBytes) if (!(await step(piece, signal))) break;
        } finally {
          source.end();
        }
      };
      await makeWhole({ image, origins, part, signal, bring, noted });
      stores.served(agent.name, sha256, partOf(sha256), fromHostsBytes);
    };
    const sizeOf = async (sha256: string) => partOf(sha256).length;
    return pulledImages({ ask, clock: agent.clock, peers, pull, sizeOf });
  }
}

/** A transfer from a controller or from another host. @throws BusyError, Error: it is refused */
function sourceOf(
  origin: ImageOrigin,
  sha256: string,
  { agent, stores }: Pick<Reach, "agent" | "stores">,
): MemoryTransfer {
  if (origin.hostId !== undefined) return stores.peers.begin(origin, sha256, agent);
  const end = stores.enter(origin, agent);
  if (end === undefined) throw new Error("The simulated controller does not give the image.");
  return { read: (at, length) => stores.give(origin, at, length), end };
}

interface Work {
  readonly signal: AbortSignal;
  readonly bring: BringImage;
  readonly sizeOf: (sha256: string) => number;
  readonly leased: ReadonlyMap<string, number>;
}
