/**
 * Volumes in a directory, of one host or of several that see it:
 *
 *   storage.json                            the id of this storage (shared-storage/storage-id.ts)
 *   volumes/<volumeId>/                     all that there is of a volume: it is found by its name
 *     e<epoch>/                             the volume, of the epoch of its present writer
 *       data.raw                            its bytes and nothing else: sparse, raw, of the guest's own user
 *       open.<epoch>.<instance>.<owner epoch>.<host>  empty: for whom it is open
 *     e<epoch>.<hex>.part/                  one that a host makes: the name is given last
 *     r<epoch>/                             one that is being removed
 *   open/<host>/                            empty files: where that host's notes are (uses.ts)
 *
 * A volume is taken over by a rename: at that moment the path of the earlier epoch is gone. All of it is
 * synchronous, for a thread of its own (thread.ts): a storage that hangs holds that thread alone. Each verb
 * may be ended after any of its calls, and be repeated. This file must never make a volume where one should
 * have been taken over, nor touch the volume of a later epoch; and what is done with one volume must never
 * look at the others, of which there may be ten thousand.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { Holding } from "../../../actors/ports/keeper.ts";
import type {
  OpenVolumes,
  VolumePage,
  VolumeSource,
  VolumeUsage,
  VolumeUse,
} from "../../../actors/ports/volumes.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { diskError, isMissing } from "../durable-file.ts";
import { guestUser } from "../guest-user.ts";
import { nobody } from "../images/cage.ts";
import { enlarge, kept, putFile, removeTree, roomOf, syncPath } from "./files.ts";
import { volumeLimits } from "./limits.ts";
import {
  dataFile,
  type FoundVolume,
  homeOf,
  inOrder,
  isOfHost,
  nameOf,
  type Opened,
  partOf,
  volumeIn,
  whatOf,
} from "./names.ts";
import { another, full, missing, stale } from "./refusals.ts";
import { namesIn, VolumeUses } from "./uses.ts";

/** A volume that is being made. */
export interface BegunVolume {
  /** The name of its directory. */
  readonly part: string;
  /** Path of the file of the volume: of the full size, and empty. */
  readonly file: string;
  /** The file whose contents the volume gets. Undefined: the volume stays empty. */
  readonly source:
    | {
        readonly path: string;
        readonly format: "raw" | "qcow2";
        readonly gid: number;
        readonly allocatedBytes: number;
      }
    | undefined;
}

export interface VolumeToMake {
  readonly volumeId: string;
  readonly epoch: number;
  readonly sizeBytes: number;
  readonly source?: VolumeSource;
}

export class VolumeDirectory {
  readonly #volumes: string;
  readonly #uses: VolumeUses;
  readonly #overcommit: number;
  /** Sizes of all volumes as of the last count, and what was made, extended and removed here since. */
  #promisedBytes = 0;

  /** `root`: has the directory `volumes`. */
  constructor(root: string, overcommit: number) {
    this.#volumes = join(root, "volumes");
    this.#uses = new VolumeUses(root);
    this.#overcommit = overcommit;
  }

  /** Undefined: it is there already. @throws staleEpoch, hypervisorRefused, diskFull, diskMissing */
  begin(hostId: string, wanted: VolumeToMake): BegunVolume | undefined {
    const { volumeId, epoch, sizeBytes } = wanted;
    if (this.#isMade(volumeId, epoch)) return undefined;
    const source = wanted.source && this.#source(wanted.source, sizeBytes);
    // What a create has left that died counts as well: its own retry would find the storage full.
    this.#removeParts(volumeId, epoch, (part) => isOfHost(part, hostId));
    this.#refuseMore(sizeBytes, source?.allocatedBytes ?? 0);
    const part = partOf(volumeId, epoch, { hostId, unique: randomBytes(8).toString("hex") });
    try {
      this.#makePart(volumeId, part);
      const file = this.#path(part, dataFile);
      putFile(file, sizeBytes);
      this.#promisedBytes += sizeBytes;
      // The tool that unpacks is nobody's, and writes to this one file.
      const isLent = source?.format === "qcow2" && process.getuid?.() === 0;
      if (isLent) fs.chownSync(file, nobody, nobody);
      return { part, file, source };
    } catch (error) {
      this.abandon(part);
      throw diskError(error, "Making a volume");
    }
  }

  /** Gives the volume its name; whoever was faster has made the very same. @throws as `begin` */
  finish(part: string, { volumeId, epoch, sizeBytes }: VolumeToMake): void {
    try {
      // Of another host, which has removed what was left to be done here.
      if (this.#isMade(volumeId, epoch)) {
        this.abandon(part);
        return;
      }
      const file = this.#path(part, dataFile);
      // What was copied may be shorter, and root may have lent the file to another user for that.
      fs.truncateSync(file, sizeBytes);
      if (process.getuid?.() === 0) fs.chownSync(file, 0, 0);
      syncPath(file);
      syncPath(this.#path(part));
      const isLate = this.#isMade(volumeId, epoch) || !this.#renamed(part, nameOf(volumeId, epoch));
      if (isLate) this.abandon(part);
      // A host that still makes the volume finds it there at the end of its copy, or with its next try.
      this.#removeParts(volumeId, epoch, () => true);
      syncPath(this.#path(volumeId));
      syncPath(this.#volumes);
    } catch (error) {
      this.abandon(part);
      throw diskError(error, "Making a volume");
    }
    this.#undoLate(volumeId, epoch);
  }

  abandon(part: string): void {
    this.#drop(part);
    this.#dropHome(dirname(part));
  }

  /** The path of the volume's file. @throws staleEpoch, diskMissing, hypervisorRefused */
  open(volumeId: string, use: VolumeUse, hostId: string): string {
    const { epoch, instanceId, ownerEpoch } = use;
    this.#takeOver(volumeId, epoch, use.takesOver);
    const directory = nameOf(volumeId, epoch);
    const known = this.#uses.noted(directory);
    const isOther = (one: Opened) => one.epoch === epoch && one.instanceId !== instanceId;
    if (known.some(isOther)) throw another(volumeId);
    const [user, path] = [guestUser(instanceId), this.#path(directory, dataFile)];
    try {
      if (user !== undefined) fs.lchownSync(path, user.uid, user.gid);
      // The user of an earlier guest may have opened the file to other users.
      if (user !== undefined) fs.chmodSync(path, 0o600);
      this.#uses.note(directory, { epoch, instanceId, ownerEpoch, hostId }, known);
      return path;
    } catch (error) {
      // Another host may have taken it over in this moment, which is said then.
      if (isMissing(error)) this.#takeOver(volumeId, epoch, false);
      throw diskError(error, "Opening a volume");
    }
  }

  /** Answers the size that it has then. */
  extend(volumeId: string, epoch: number, sizeBytes: number): number {
    this.#takeOver(volumeId, epoch, false);
    const path = this.#path(nameOf(volumeId, epoch), dataFile);
    const { size } = fs.statSync(path);
    if (size >= sizeBytes) return size;
    this.#refuseMore(sizeBytes - size, 0);
    try {
      enlarge(path, sizeBytes);
      this.#promisedBytes += sizeBytes - size;
      return sizeBytes;
    } catch (error) {
      if (isMissing(error)) this.#takeOver(volumeId, epoch, false);
      throw diskError(error, "Extending a volume");
    }
  }

  /** Those of this epoch and before, whole or not. */
  remove(volumeId: string, epoch: number): void {
    const upTo = (one: FoundVolume) => one.epoch <= epoch;
    // One that a crash has left stands in the way of the next one's name.
    for (const one of this.#of(volumeId).filter(upTo).sort(asideFirst)) {
      const aside = nameOf(volumeId, one.epoch, "removed");
      if (one.kind === "whole" && !this.#renamed(one.name, aside)) continue;
      const name = one.kind === "whole" ? aside : one.name;
      this.#uses.forgetAll(name);
      this.#drop(name);
    }
    this.#dropHome(volumeId);
  }

  /** All that there is of the volumes with the ids after this one, of at most so many. */
  page(after: string | undefined, volumesMax: number): VolumePage {
    const all = namesIn(this.#volumes).filter((id) => isToken(id) && (after === undefined || id > after));
    const ids = all.sort().slice(0, volumesMax);
    const found = ids.flatMap((id) => this.#of(id));
    const volumes = found.flatMap((one) => kept(this.#path(one.name, dataFile), one) ?? []).sort(inOrder);
    const last = ids.at(-1);
    return { volumes, ...(last === undefined || all.length === ids.length ? {} : { next: last }) };
  }

  /** What is open for guests of a host. */
  uses(hostId: string): readonly Holding[] {
    return this.#uses.ofHost(hostId).map(({ volumeId, epoch, instanceId, ownerEpoch }) => ({
      ...{ instanceId, ownerEpoch, what: whatOf(volumeId, epoch) },
    }));
  }

  release(hostId: string, { instanceId, what }: Pick<Holding, "instanceId" | "what">): void {
    for (const one of this.#uses.ofHost(hostId))
      if (one.instanceId === instanceId && whatOf(one.volumeId, one.epoch) === what) this.#uses.forget(one);
  }

  /** Forgets what is noted for a guest of a host, but these volumes, and what is noted for a later life. */
  releaseOthers(hostId: string, { instanceId, ownerEpoch, volumes }: OpenVolumes): void {
    for (const one of this.#uses.everOfHost(hostId)) {
      const stays = volumes.some(({ volumeId, epoch }) => one.volumeId === volumeId && one.epoch === epoch);
      if (!stays && one.instanceId === instanceId && one.ownerEpoch <= ownerEpoch) this.#uses.forget(one);
    }
  }

  /** The sizes of all volumes, as somebody has counted them a moment ago. */
  counted(promisedBytes: number): void {
    this.#promisedBytes = promisedBytes;
  }

  room(): Omit<VolumeUsage, "allocatedBytes"> {
    return { ...roomOf(fs.statfsSync(this.#volumes)), promisedBytes: this.#promisedBytes };
  }

  /** @throws diskFull for bytes more than may be promised, or than there is room for at once */
  #refuseMore(bytes: number, atOnceBytes: number): void {
    const { capacityBytes, freeBytes, promisedBytes } = this.room();
    if (promisedBytes + bytes > capacityBytes * this.#overcommit || atOnceBytes > freeBytes) throw full();
  }

  /** Whether it is there. @throws staleEpoch; hypervisorRefused when it is there with an earlier epoch */
  #isMade(volumeId: string, epoch: number): boolean {
    const there = this.#epochs(volumeId).at(-1);
    if (there === undefined) return false;
    if (there > epoch) throw stale(volumeId);
    if (there === epoch) return true;
    const message = `The volume ${volumeId} is there with epoch ${there}: it is taken over, not made anew.`;
    throw new StatusError("hypervisorRefused", message);
  }

  /** What was named by a host that everybody thought dead: the volume has gone on under a later epoch. */
  #undoLate(volumeId: string, epoch: number): void {
    if ((this.#epochs(volumeId).at(-1) ?? epoch) === epoch) return;
    this.remove(volumeId, epoch);
    throw stale(volumeId);
  }

  /** Makes the volume one of this epoch. @throws staleEpoch, diskMissing */
  #takeOver(volumeId: string, epoch: number, takesOver: boolean): void {
    for (let round = 0; round < volumeLimits.takeOversMax; round += 1) {
      const epochs = this.#epochs(volumeId);
      const newest = epochs.at(-1);
      if (newest === undefined) throw missing(volumeId, epoch);
      if (newest > epoch) throw stale(volumeId);
      if (newest === epoch) {
        if (epochs.length > 1) this.remove(volumeId, epoch - 1);
        return;
      }
      if (!takesOver) throw missing(volumeId, epoch);
      if (this.#renamed(nameOf(volumeId, newest), nameOf(volumeId, epoch))) syncPath(this.#path(volumeId));
    }
    throw stale(volumeId);
  }

  #source(source: VolumeSource, sizeBytes: number) {
    const path =
      source.kind === "image" ? source.path : this.#path(nameOf(source.volumeId, source.epoch), dataFile);
    if (source.kind === "volume" && this.#epochs(source.volumeId).at(-1) !== source.epoch)
      throw missing(source.volumeId, source.epoch);
    if (source.kind === "volume" && this.#isOpen(source.volumeId, source.epoch))
      throw another(source.volumeId);
    const { size, blocks, gid } = fs.statSync(path);
    const format = source.kind === "image" ? source.format : "raw";
    if (format === "qcow2" || size <= sizeBytes) return { path, format, gid, allocatedBytes: blocks * 512 };
    throw new StatusError("hypervisorRefused", "The volume would be smaller than what it is made of.");
  }

  #isOpen = (volumeId: string, epoch: number): boolean =>
    this.#uses.noted(nameOf(volumeId, epoch)).some((one) => one.epoch === epoch);

  /** Whoever removes the last part of a volume removes its directory too, in whatever moment. */
  #makePart(volumeId: string, part: string): void {
    for (let round = 1; ; round += 1) {
      fs.mkdirSync(this.#path(volumeId), { mode: 0o711, recursive: true });
      try {
        fs.mkdirSync(this.#path(part), { mode: 0o711 });
        return;
      } catch (error) {
        if (!isMissing(error) || round >= volumeLimits.takeOversMax) throw error;
      }
    }
  }

  /** Removes one of the directories of a volume. */
  #drop(name: string): void {
    const size = fs.statSync(this.#path(name, dataFile), { throwIfNoEntry: false })?.size ?? 0;
    removeTree(this.#path(name));
    this.#promisedBytes = Math.max(0, this.#promisedBytes - size);
  }

  /** Removes a volume's directory if it is empty. */
  #dropHome(volumeId: string): void {
    try {
      fs.rmdirSync(this.#path(homeOf(volumeId)));
    } catch (error) {
      if (isMissing(error)) return;
      if (!isFilled(error)) throw error;
      syncPath(this.#path(volumeId));
      return;
    }
    syncPath(this.#volumes);
  }

  #removeParts(volumeId: string, epoch: number, isMeant: (part: string) => boolean): void {
    for (const { kind, name, epoch: of } of this.#of(volumeId))
      if (kind === "part" && of <= epoch && isMeant(name)) this.#drop(name);
  }

  /** False: it has no longer that name, or another one has the new name. */
  #renamed(from: string, to: string): boolean {
    try {
      fs.renameSync(this.#path(from), this.#path(to));
      return true;
    } catch (error) {
      if (isMissing(error) || isFilled(error)) return false;
      throw error;
    }
  }

  #epochs(volumeId: string): readonly number[] {
    const whole = this.#of(volumeId).filter(({ kind }) => kind === "whole");
    return whole.map(({ epoch }) => epoch).sort((one, other) => one - other);
  }

  #of(volumeId: string): readonly FoundVolume[] {
    return namesIn(this.#path(homeOf(volumeId))).flatMap((entry) => volumeIn(volumeId, entry) ?? []);
  }

  #path = (...names: readonly string[]): string => join(this.#volumes, ...names);
}

const asideFirst = (one: FoundVolume, other: FoundVolume): number =>
  Number(one.kind === "whole") - Number(other.kind === "whole");

/** Of a directory that was to be empty. */
function isFilled(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST";
}
