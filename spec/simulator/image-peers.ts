/**
 * Simulated hosts that give each other images: where each life of an agent gives them, as long as it lives
 * and answers. Some lie, and give other bytes than those that they have.
 */

import { BusyError, type ImageOrigin } from "../../nodes/drivers/images/whole.ts";
import type { ImagePeer } from "../../protocol/image-peer.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { MemoryImageGiving, type MemoryTransfer } from "../support/memory-image-giving.ts";
import type { SimulatedProcess } from "./process.ts";

interface Place {
  readonly giving: MemoryImageGiving;
  readonly process: SimulatedProcess;
}

export interface Giving {
  readonly agent: SimulatedProcess;
  /** The last used images first. */
  readonly images: () => ReadonlyMap<string, Buffer>;
  readonly came: Pick<ImagePeer, "fromPeersBytes" | "fromControllersBytes" | "lies">;
  readonly lies: boolean;
}

/** Of one host, at once. */
const transfersMax = 2;

export class SimulatedPeers {
  /** By URL. */
  readonly #places = new Map<string, Place>();
  #lives = 0;

  /** The images that one life of an agent gives to other hosts. */
  givingOf({ agent, images, came, lies }: Giving): MemoryImageGiving {
    this.#lives += 1;
    const others = new Map<Buffer, Buffer>();
    const otherThan = (content: Buffer) => {
      const known = others.get(content) ?? Buffer.from(content.map((byte) => byte ^ 1));
      others.set(content, known);
      return known;
    };
    const told = lies
      ? () => new Map([...images()].map(([sha256, content]) => [sha256, otherThan(content)]))
      : images;
    const { clock, name: hostId } = agent;
    const giving = new MemoryImageGiving({
      ...{ hostId, life: this.#lives, clock, images: told, came, transfersMax },
    });
    this.#places.set(giving.url, { giving, process: agent });
    return giving;
  }

  /** A transfer to `to`, which ends with the life of either. @throws BusyError, Error: it is refused */
  begin(origin: ImageOrigin, sha256: string, to: SimulatedProcess): MemoryTransfer {
    const place = this.#places.get(origin.url);
    if (place === undefined || !answers(place)) throw new Error("Nobody answers.");
    const transfer = begun(place, origin, sha256);
    to.onDeath(() => transfer.end());
    return {
      read: (at, length) => (answers(place) ? transfer.read(at, length) : undefined),
      end: () => transfer.end(),
    };
  }
}

const answers = ({ process }: Place): boolean => process.alive && !process.paused;

function begun({ giving }: Place, origin: ImageOrigin, sha256: string): MemoryTransfer {
  try {
    return giving.begin(origin, sha256);
  } catch (error) {
    if (error instanceof StatusError && error.reason === "tooManyRequests")
      throw new BusyError(error.message);
    throw error;
  }
}
