/**
 * The image cache of a simulated host, which outlives its agent: which images it has, which parts of others,
 * and which its guests need. Its agent asks controllers as a real one does, and gets an image in pieces, at
 * each of which anything may die or be full. What goes is chosen by the agent's own rules.
 */
import type { Disks } from "../../actors/ports/disks.ts";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import { type ImageConnection, ImageQuestions } from "../../nodes/compute/image-questions.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import type { BringImage } from "../../nodes/drivers/images/cache.ts";
import { chooseEvicted } from "../../nodes/drivers/images/eviction.ts";
import type { ImageOrigin, Pulling } from "../../nodes/drivers/images/pull.ts";
import { type AskImageOrigins, pulledImages } from "../../nodes/drivers/images/pulled.ts";
import { throwIfAborted } from "../../nodes/drivers/waiting.ts";
import { filesOf } from "../../protocol/image.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import { MemoryImageUploads } from "../support/memory-image-uploads.ts";
import type { ToldOfImage } from "./cluster-told.ts";
import type { Parameters } from "./plan-parameters.ts";
import type { Machine, SimulatedProcess } from "./process.ts";

/** The controllers, as a life of an agent reaches them. */
export interface ImageControllers {
  readonly ask: AskImageOrigins;
  /** Whether the controller with this address lives. */
  readonly serves: (url: string) => boolean;
}

export const pullsImages = ({ pulledImages, oneVersion }: Parameters): boolean =>
  pulledImages === true && oneVersion === true;

/** The controllers of a cluster, as they live at the moment of each question. */
export function reachedBy(
  connection: ImageConnection,
  controllers: readonly { readonly machine: Machine; readonly process: SimulatedProcess }[],
): ImageControllers {
  const questions = new ImageQuestions();
  questions.connect(connection);
  const serves = (url: string) =>
    controllers.some(({ machine, process }) => addressOf(machine.name) === url && process.alive);
  return { ask: questions.ask, serves };
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

const addressOf = (controller: string): string => `http://${controller}`;

/** Where a simulated controller gives the bytes of images. A ticket is what it says. */
export function simulatedDoor(controller: string, clock: Pick<Clock, "nowMs">): ImageDoor {
  return {
    ...{ server: `${controller}-simulated`, url: addressOf(controller) },
    bytes: { open: async () => undefined },
    uploads: new MemoryImageUploads(clock),
    tickets: { issue: (facts) => Buffer.from(JSON.stringify(facts)).toString("base64url") },
  };
}

export class HostImages {
  readonly #world: FakeWorld;
  readonly #told: (what: ToldOfImage) => void;
  /** When each was last used, by its place in the order of uses. */
  readonly #cached = new Map<string, number>();
  /** Pieces that have come. */
  readonly #parts = new Map<string, number>();
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
    return {
      ...(configDrives === undefined ? {} : { configDrives }),
      ensure: async (spec, signal, networks) => {
        const sha256s = [...new Set(filesOf(spec.image))];
        for (const sha256 of sha256s) leased.set(sha256, (leased.get(sha256) ?? 0) + 1);
        try {
          for (const sha256 of sha256s) await this.#ensure(sha256, spec, { signal, bring, leased });
          const paths = await disks.ensure(spec, signal, networks);
          this.#needed.set(spec.instanceId, sha256s);
          this.#told({ kind: "imagesNeeded", instanceId: spec.instanceId, sha256s });
          return paths;
        } finally {
          for (const sha256 of sha256s) leased.set(sha256, (leased.get(sha256) ?? 1) - 1);
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

  async #ensure(sha256: string, { instanceId }: MachineSpec, work: Work): Promise<void> {
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

  #bringing({ ask, agent, step, serves }: Reach): BringImage {
    const pull = async ({ image: { sha256 }, origins, signal }: Pulling): Promise<void> => {
      const isWhole = () => (this.#parts.get(sha256) ?? 0) >= pieces;
      const piece = async (origin: ImageOrigin) => {
        throwIfAborted(signal);
        if (!serves(origin.url) || !opens(origin, sha256, agent.clock.nowMs())) return false;
        this.#parts.set(sha256, (this.#parts.get(sha256) ?? 0) + 1);
        return true;
      };
      for (const origin of origins) while (!isWhole()) if (!(await step(() => piece(origin), signal))) break;
      if (!isWhole()) throw new StatusError("imageMissing", "No simulated controller gives the image.");
    };
    const sizeOf = async (sha256: string) => this.#parts.get(sha256) ?? 0;
    return pulledImages({ ask, clock: agent.clock, pull, sizeOf });
  }
}

interface Work {
  readonly signal: AbortSignal;
  readonly bring: BringImage;
  readonly leased: ReadonlyMap<string, number>;
}

function opens({ ticket, url }: ImageOrigin, sha256: string, nowMs: number): boolean {
  const { server, of, verb, expiresAtMs } = JSON.parse(Buffer.from(ticket, "base64url").toString("utf8"));
  return `${url}-simulated` === addressOf(server) && of === sha256 && verb === "fetch" && expiresAtMs > nowMs;
}
