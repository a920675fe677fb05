/**
 * What a client of the load asks of volumes: some of its own, made and deleted again and again, attached to
 * its instances, made larger, and taken away. It knows of volumes what answers have told; what it has
 * forgotten after an unclear answer is found by its name at the end.
 */
import type { Novact } from "../sdk/sdk.ts";
import { type Asked, asked } from "./caller.ts";
import type { Random } from "./random.ts";
import type { VolumeCommand } from "./volume-commands.ts";

export interface VolumesOptions {
  /** Of the client: names of what it makes begin with it. */
  readonly name: string;
  readonly novact: Novact;
  readonly random: Random;
  /** How many it keeps, at most. */
  readonly volumes: number;
}

/** The size of each, as the client was told last; sparse, so that a small storage has room for some. */
const sizeGib = { first: 1, most: 4 } as const;
/** How often one is on the own disk of whatever host its first instance is on. */
const localShare = 0.3;
const deletedWithInstanceShare = 0.2;
const waitingShare = 0.6;

interface Known {
  readonly sizeGib: number;
  /** Undefined: nobody has it, as far as the client knows. */
  readonly instanceId: string | undefined;
}

export class Volumes {
  readonly #options: VolumesOptions;
  readonly #volumes = new Map<string, Known>();
  #made = 0;

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Takes the answer of any call of the client. */
  learn({ method, id, request }: Omit<Asked, "send">, answer: object | "refused" | undefined): void {
    if (answer === "refused") return;
    const { volume, instance } = (answer ?? {}) as Told;
    if (method === "volume.delete") this.#volumes.delete(id);
    if (method === "instance.delete") this.#forget(id);
    if (method === "volume.create" && volume !== undefined)
      this.#volumes.set(volume.id, { sizeGib: volume.sizeGib, instanceId: undefined });
    if (method === "instance.volumeAttach") this.#set(request.volume, { instanceId: id });
    for (const { volumeId, sizeGib: size } of instance?.volumes ?? [])
      if (instance !== undefined) this.#set(volumeId, { instanceId: instance.id, sizeGib: size });
    if (method === "instance.volumeDetach") this.#set(request.volume, { instanceId: undefined });
  }

  #set(volumeId: unknown, change: Partial<Known>): void {
    const known = typeof volumeId === "string" ? this.#volumes.get(volumeId) : undefined;
    if (known !== undefined) this.#volumes.set(String(volumeId), { ...known, ...change });
  }

  /** Volumes of a deleted instance: a call about one that was deleted as well is refused. */
  #forget(instanceId: string): void {
    for (const [id, known] of this.#volumes)
      if (known.instanceId === instanceId) this.#volumes.set(id, { ...known, instanceId: undefined });
  }

  /** `instanceId`: one of the client's. Undefined: there is no volume that the command could be about. */
  asked(command: VolumeCommand, instanceId: string): Asked | undefined {
    const { novact, random } = this.#options;
    if (command === "volumeCreate") return this.#create();
    const isHeld = command !== "volumeAttach" && command !== "volumeDelete";
    // Now and then one that does not fit: it is refused.
    const all = [...this.#volumes].filter(
      ([, one]) => (one.instanceId !== undefined) === isHeld || random.next() < 0.05,
    );
    const [id, known] = all.length === 0 ? [] : random.pick(all);
    if (id === undefined || known === undefined) return undefined;
    const holder = known.instanceId ?? instanceId;
    const wait = random.next() < waitingShare;
    switch (command) {
      case "volumeAttach": {
        const deleteOnTermination = random.next() < deletedWithInstanceShare;
        const request = { volume: id, wait, deleteOnTermination };
        return asked("instance.volumeAttach", instanceId, request, (options) =>
          novact.instance.volumeAttach(instanceId, request, options),
        );
      }
      case "volumeDetach": {
        const request = { volume: id, wait };
        return asked("instance.volumeDetach", holder, request, (options) =>
          novact.instance.volumeDetach(holder, request, options),
        );
      }
      case "volumeExtend":
        return this.#extend(id, known, wait);
      case "volumeDelete":
        return asked("volume.delete", id, {}, (options) => novact.volume.delete(id, {}, options));
    }
  }

  #create(): Asked | undefined {
    const { name, novact, random, volumes } = this.#options;
    if (this.#volumes.size >= volumes) return undefined;
    this.#made += 1;
    const local = random.next() < localShare;
    const request = { name: `${name}-volume-${this.#made}`, sizeGib: sizeGib.first, ...(local && { local }) };
    return asked("volume.create", "", request, (options) => novact.volume.create(request, options));
  }

  #extend(id: string, known: Known, wait: boolean): Asked | undefined {
    const { novact } = this.#options;
    if (known.sizeGib >= sizeGib.most) return undefined;
    const larger = known.sizeGib + 1;
    const { instanceId } = known;
    if (instanceId === undefined) {
      const request = { sizeGib: larger };
      return asked("volume.extend", id, request, (options) => novact.volume.extend(id, request, options));
    }
    const request = { volume: id, sizeGib: larger, wait };
    return asked("instance.volumeExtend", instanceId, request, (options) =>
      novact.instance.volumeExtend(instanceId, request, options),
    );
  }
}

interface Told {
  readonly volume?: { readonly id: string; readonly sizeGib: number };
  readonly instance?: {
    readonly id: string;
    readonly volumes?: readonly { readonly volumeId: string; readonly sizeGib: number }[];
  };
}
