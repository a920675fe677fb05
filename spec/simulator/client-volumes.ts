/** What is asked of volumes in a plan: the method, whom it is about, and the request. Pure. */

import { bootCall, isOfBoots } from "./client-boot-volumes.ts";
import type { CommandKind } from "./plan.ts";
import type { BootCommand } from "./plan-boot-volumes.ts";
import { type CopyCommand, copyCommands } from "./plan-volume-copies.ts";
import { meantBy, type VolumeCommand, volumeCommands } from "./plan-volumes.ts";

/** As client-surroundings.ts has it. */
interface Call {
  readonly method: string;
  readonly id: string | undefined;
  readonly request: Readonly<Record<string, unknown>>;
}

export type OfVolumes = VolumeCommand | CopyCommand | BootCommand;

export const isOfVolumes = (command: CommandKind): command is OfVolumes =>
  isOfBoots(command) || [...volumeCommands, ...copyCommands].some((one) => one === command);

const isOfCopies = (command: OfVolumes): command is CopyCommand =>
  copyCommands.some((one) => one === command);

/** What a client has, and the instance that each volume was last given to. */
export interface VolumeThings {
  readonly instances: readonly Known[];
  readonly volumes: readonly string[];
  /** Those that were made of other ones, among the volumes as well. */
  readonly copies: readonly string[];
  readonly givenTo: ReadonlyMap<string, string>;
  /** Ids of the instances that were made with volumes. */
  readonly booted: readonly string[];
}

interface Known {
  readonly id: string;
}

interface Volumed {
  readonly instance?: Known & { readonly volumes?: readonly { readonly volumeId: string }[] };
}

/** The answer to a create. */
type Made = Volumed & { readonly all?: readonly Volumed[] };

interface Answered {
  readonly id: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** What a client has learned of its volumes by the answers to what it asked. */
export class KnownVolumes {
  readonly #volumes = new Set<string>();
  readonly #copies = new Set<string>();
  readonly #booted = new Set<string>();
  readonly #givenTo = new Map<string, string>();
  /** Instances that are to go. */
  readonly #going = new Set<string>();

  learn(method: string, { id, request, answer }: Answered): void {
    const { volume } = answer as { readonly volume?: Known };
    if (method === "volume.create" && volume !== undefined) {
      this.#volumes.add(volume.id);
      if (request.sourceVolume !== undefined) this.#copies.add(volume.id);
    }
    if (method === "volume.delete") {
      this.#volumes.delete(id);
      this.#copies.delete(id);
    }
    if (method === "instance.volumeAttach") this.#givenTo.set(String(request.volume), id);
    if (method === "instance.delete") this.#going.add(id);
    if (method !== "instance.create" || request.volumes === undefined) return;
    const { all, ...one } = answer as Made;
    for (const { instance } of all ?? [one]) {
      if (instance === undefined) continue;
      this.#booted.add(instance.id);
      for (const { volumeId } of instance.volumes ?? []) {
        this.#volumes.add(volumeId);
        this.#givenTo.set(volumeId, instance.id);
      }
    }
  }

  among(instances: readonly Known[]): VolumeThings {
    const staying = instances.filter(({ id }) => !this.#going.has(id));
    const [volumes, copies] = [[...this.#volumes], [...this.#copies]];
    const booted = [...this.#booted].filter((id) => !this.#going.has(id));
    return { instances: staying, volumes, copies, givenTo: this.#givenTo, booted };
  }
}

const nothing: Call = { method: "", id: undefined, request: {} };
const among = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

export function volumeCall(command: OfVolumes, target: number, things: VolumeThings): Call {
  if (isOfBoots(command)) return bootCall(command, target, things);
  if (isOfCopies(command)) return copyCall(command, target, things);
  const meant = meantBy(target);
  const { how } = meant;
  if (command === "volumeCreate") return { method: "volume.create", id: "", request: made(meant) };
  if (command === "volumeList") return { method: "volume.list", id: "", request: {} };
  const volume = among(things.volumes, meant.volume);
  if (volume === undefined) return nothing;
  // The newest of its instances, or the oldest: of the others many are gone.
  const instances = how % 3 === 0 ? things.instances : things.instances.slice(-2);
  const named = among(instances, meant.instance)?.id;
  // Some are asked of an instance that may well not have it.
  const id = how % 6 === 5 ? named : (things.givenTo.get(volume) ?? named);
  switch (command) {
    case "volumeAttach": {
      const place = how % 5 === 4 ? { place: how % 3 } : {};
      const deleted = how % 4 === 1 ? { deleteOnTermination: true } : {};
      return { method: "instance.volumeAttach", id: named, request: { volume, ...place, ...deleted } };
    }
    case "volumeDetach":
      return { method: "instance.volumeDetach", id, request: { volume } };
    case "volumeExtend":
      return { method: "instance.volumeExtend", id, request: { volume, sizeGib: 2 + (how % 3) } };
    case "volumeGrow":
      return { method: "volume.extend", id: volume, request: { sizeGib: 2 + (how % 3) } };
    case "volumeDelete":
      return { method: "volume.delete", id: volume, request: {} };
  }
}

/** Of a copy what is asked is asked of the newest ones: of the others many are gone. */
function copyCall(command: CopyCommand, target: number, things: VolumeThings): Call {
  const meant = meantBy(target);
  if (command === "volumeCopy") {
    const source = among(things.volumes, meant.volume);
    const size = meant.how % 4 === 3 ? { sizeGib: 3 } : {};
    const request = { name: `copy-${meant.volume}`, sourceVolume: source, ...size };
    return source === undefined ? nothing : { method: "volume.create", id: "", request };
  }
  const volume = among(things.copies.slice(-2), meant.volume);
  if (volume === undefined) return nothing;
  if (command === "copyDelete") return { method: "volume.delete", id: volume, request: {} };
  const named = among(things.instances.slice(-3), meant.instance)?.id;
  if (command === "copyAttach") return { method: "instance.volumeAttach", id: named, request: { volume } };
  return { method: "instance.volumeDetach", id: things.givenTo.get(volume) ?? named, request: { volume } };
}

/** Some from an image, some on the own disk of whichever host has their first instance. */
function made({ volume, how }: ReturnType<typeof meantBy>): Readonly<Record<string, unknown>> {
  const from = how % 4 === 3 ? { image: "tiny" } : {};
  const local = how % 5 === 2 ? { local: true } : {};
  return { name: `volume-${volume}`, sizeGib: 1 + (how % 2), ...from, ...local };
}
