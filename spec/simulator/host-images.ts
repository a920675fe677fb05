/**
 * The image cache of a simulated host, which outlives its agent: which images it has, which parts of others,
 * and which its guests need. Its agent asks controllers as a real one does, and gets an image in pieces, at
 * each of which anything may die or be full. What goes is chosen by the agent's own rules.
 */
import type { Disks } from "../../actors/ports/disks.ts";
import { type ImageConnection, ImageQuestions } from "../../nodes/compute/image-questions.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import type { BringImage } from "../../nodes/drivers/images/cache.ts";
import { chooseEvicted } from "../../nodes/drivers/images/eviction.ts";
import type { Pulling } from "../../nodes/drivers/images/pull.ts";
import { type AskImageOrigins, pulledImages } from "../../nodes/drivers/images/pulled.ts";
import type { ImageOrigin } from "../../nodes/drivers/images/whole.ts";
import { throwIfAborted } from "../../nodes/drivers/waiting.ts";
import { filesOf } from "../../protocol/image.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { ToldOfImage } from "./cluster-told.ts";
import type { ImageStores } from "./image-stores.ts";
import type { Parameters } from "./plan-parameters.ts";
import type { SimulatedProcess } from "./process.ts";

/** The controllers, as a life of an agent reaches them. */
export interface ImageControllers {
  readonly ask: AskImageOrigins;
  readonly stores: ImageStores;
}

export const pullsImages = ({ pulledImages, oneVersion }: Parameters): boolean =>
  pulledImages === true && oneVersion === true;

/** The controllers of a cluster, as they live at the moment of each question. */
export function reachedBy(connection: ImageConnection, stores: ImageStores): ImageControllers {
  const questions = new ImageQuestions();
  questions.connect(connection);
  return { ask: questions.ask, stores };
}

interface Reach extends ImageControllers {
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
  readonly #needed = new Map<string, readonly string[]>();
  #uses = 0;

  constructor(world: FakeWorld, told: (what: ToldOfImage) => void) {
    this.#world = world;
    this.#told = told;
  }

  /** Disks that are made of images of the cache, for one life of an agent. */
  behind(disks: Disks, reach: Reach): Disks {
    const leased = new Map<string, number>();
    const bring = this.#bringing(reach);
    const { configDrives } = disks;
    const lease = (sha256: string, more: 1 | -1) => leased.set(sha256, (leased.get(sha256) ?? 0) + more);
    return {
      ...(configDrives === undefined ? {} : { configDrives }),
      image: async ({ sha256, instanceId }, signal) => {
        lease(sha256, 1);
        try {
          await this.#ensure(sha256, { instanceId }, { signal, bring, leased });
          return `/fake/images/${sha256}`;
        } finally {
          lease(sha256, -1);
        }
      },
      ensure: async (spec, signal, networks) => {
        const sha256s = [...new Set(filesOf(spec.image))];
        for (const sha256 of sha256s) lease(sha256, 1);
        try {
          for (const sha256 of sha256s) await this.#ensure(sha256, spec, { signal, bring, leased });
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
      await work.bring({ sha256, sizeBytes: pieces, instanceId }, sha256, work.signal);
      this.#parts.delete(sha256);
      // Others may have come meanwhile.
      if (!this.#cached.has(sha256)) this.#makeRoom(work.leased);
      if (!this.#cached.has(sha256)) this.#told({ kind: "imageCached", sha256 });
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
      this.#told({ kind: "imageEvicted", sha256 });
    }
  }

  #bringing({ ask, agent, step, stores }: Reach): BringImage {
    const partOf = (sha256: string) => this.#parts.get(sha256) ?? Buffer.alloc(0);
    const pull = async ({ image: { sha256 }, origins, signal }: Pulling): Promise<void> => {
      const isWhole = () => partOf(sha256).length > 0 && partOf(sha256).length === stores.sizeOf(sha256);
      const piece = async (origin: ImageOrigin) => {
        throwIfAborted(signal);
        const has = partOf(sha256);
        const length = Math.ceil((stores.sizeOf(sha256) ?? 0) / pieces);
        const more = stores.give(origin, has.length, length);
        if (more !== undefined) this.#parts.set(sha256, Buffer.concat([has, more]));
        return more !== undefined && more.length > 0;
      };
      for (const origin of origins) while (!isWhole()) if (!(await step(() => piece(origin), signal))) break;
      if (!isWhole()) throw new StatusError("imageMissing", "No simulated controller gives the image.");
      stores.served(agent.name, sha256, partOf(sha256));
    };
    const sizeOf = async (sha256: string) => partOf(sha256).length;
    return pulledImages({ ask, clock: agent.clock, pull, sizeOf });
  }
}

interface Work {
  readonly signal: AbortSignal;
  readonly bring: BringImage;
  readonly leased: ReadonlyMap<string, number>;
}
