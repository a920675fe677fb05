/**
 * Volumes in a directory of an NFS server, which hosts share:
 *
 *   storage/<id>                            an empty file: its name is the id of this storage
 *   <volumeId>.e<epoch>/                    a volume, of the epoch of its present writer
 *     data.raw                              its bytes: sparse, raw, for the group of that epoch alone
 *     open.<epoch>.<instance>.<owner epoch>.<host>   empty: for whom it is open
 *   <volumeId>.e<epoch>.<hex>.part/         one that a host makes: the name is given last
 *   <volumeId>.r<epoch>/                    one that is being removed
 *
 * A take-over gives the file to the next group, and then the directory its next name. A name keeps nobody out
 * who has the file open, since NFS knows a file by its handle; the group does, because the server looks at it
 * with each write. Each verb may be ended after any of its calls, and be repeated. What this file must never
 * do is to give a file back to an earlier group: so a change that somebody came before is refused (`guard`).
 */
import { randomBytes } from "node:crypto";
import type { KeptVolume, VolumeUsage } from "novact/plugin";
import { inOrder, keptOf } from "./kept.ts";
import { nfsLimits } from "./limits.ts";
import {
  dataFile,
  type FoundVolume,
  groupOf,
  isOfHost,
  nameOf,
  type Opened,
  openedIn,
  openedName,
  partOf,
  volumeIn,
} from "./names.ts";
import { type Entry, type Handle, type Nfs, NfsError } from "./nfs.ts";
import { contended, full, missing, refused, stale } from "./refusals.ts";

export interface DirectoryOptions {
  readonly nfs: Nfs;
  readonly hostId: string;
  readonly firstGroup: number;
  readonly overcommit: number;
}

interface Found extends FoundVolume {
  readonly handle: Handle;
}

const directoryMode = 0o711;
const fileMode = 0o660;

export class NfsDirectory {
  readonly #options: DirectoryOptions;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** @throws staleEpoch, hypervisorRefused, diskFull */
  async make(volumeId: string, epoch: number, sizeBytes: number): Promise<void> {
    const { nfs, hostId, firstGroup } = this.#options;
    if (await this.#isMade(volumeId, epoch)) return;
    await this.#removeParts(volumeId, epoch, (part) => isOfHost(part, hostId));
    await this.refuseMore(sizeBytes);
    const [root, part] = [await nfs.root(), partOf(volumeId, epoch, hostId, randomBytes(8).toString("hex"))];
    try {
      const directory = await nfs.makeDirectory(root, part, directoryMode);
      const file = await nfs.makeFile(directory, dataFile, fileMode);
      await nfs.change(file, { gid: groupOf(firstGroup, epoch), sizeBytes });
      await this.#renamed(part, nameOf(volumeId, epoch));
    } finally {
      // Under this name nothing is left when it was renamed; else whoever was faster has made the very same.
      await this.#removeTree(part).catch(() => undefined);
    }
    await this.#removeParts(volumeId, epoch, () => true);
    if ((await this.epochs(volumeId)).at(-1)?.epoch === epoch) return;
    // Named by a host that everybody thought dead: the volume has gone on under a later epoch.
    await this.remove(volumeId, epoch);
    throw stale(volumeId);
  }

  /** The volume's directory, under the name of this epoch. @throws staleEpoch, diskMissing, storageUnknown */
  async take(volumeId: string, epoch: number, takesOver: boolean): Promise<Handle> {
    for (let round = 0; round < nfsLimits.takeOversMax; round += 1) {
      const all = await this.epochs(volumeId);
      const newest = all.at(-1);
      if (newest === undefined) throw missing(volumeId, epoch);
      if (newest.epoch > epoch) throw stale(volumeId);
      if (newest.epoch === epoch) {
        if (all.length > 1) await this.remove(volumeId, epoch - 1);
        return newest.handle;
      }
      if (!takesOver) throw missing(volumeId, epoch);
      if (await this.#isGiven(newest, epoch)) await this.#renamed(newest.name, nameOf(volumeId, epoch));
    }
    throw contended(volumeId);
  }

  /** Gives the volume's file to the group of a later epoch; false: somebody came between. */
  async #isGiven(volume: Found, epoch: number): Promise<boolean> {
    const gid = groupOf(this.#options.firstGroup, epoch);
    try {
      for (let round = 0; round < nfsLimits.givingsMax; round += 1)
        if (await this.#hasGroup(volume, gid)) return true;
    } catch (error) {
      if (isFault(error, "missing", "stale")) return false;
      throw error;
    }
    throw contended(volume.volumeId);
  }

  /** False: the file was changed meanwhile, and be it by a former writer that writes on. */
  async #hasGroup(volume: Found, gid: number): Promise<boolean> {
    const { nfs } = this.#options;
    const { handle, attributes } = await nfs.lookup(volume.handle, dataFile);
    if (attributes.gid > gid) throw stale(volume.volumeId);
    if (attributes.gid === gid) return true;
    try {
      await nfs.change(handle, { gid, guard: attributes.changed });
      return true;
    } catch (error) {
      if (isFault(error, "notSync")) return false;
      throw error;
    }
  }

  async sizeOf(directory: Handle): Promise<number> {
    return (await this.#options.nfs.lookup(directory, dataFile)).attributes.sizeBytes;
  }

  /** Answers the size, which may have been larger before. @throws staleEpoch, diskMissing, diskFull */
  async extend(volumeId: string, epoch: number, sizeBytes: number): Promise<number> {
    const { nfs, firstGroup } = this.#options;
    const { handle, attributes } = await nfs.lookup(await this.take(volumeId, epoch, false), dataFile);
    const more = sizeBytes - attributes.sizeBytes;
    if (more <= 0) return attributes.sizeBytes;
    await this.refuseMore(more);
    await nfs.resize(handle, sizeBytes, groupOf(firstGroup, epoch));
    return sizeBytes;
  }

  /** Removes the volume, but never one of a later epoch. */
  async remove(volumeId: string, epoch: number): Promise<void> {
    const isMeant = (one: Found) => one.volumeId === volumeId && one.epoch <= epoch;
    for (const one of (await this.#all()).filter(isMeant)) {
      const aside = one.kind === "whole" ? nameOf(volumeId, one.epoch, "removed") : one.name;
      if (one.kind === "whole") await this.#removeTree(aside);
      if (one.kind !== "whole" || (await this.#renamed(one.name, aside))) await this.#removeTree(aside);
    }
  }

  async volumes(): Promise<readonly KeptVolume[]> {
    const kept: KeptVolume[] = [];
    for (const one of await this.#all()) {
      const looking = this.#options.nfs.lookup(one.handle, dataFile).catch(unless("missing"));
      const data = await this.#unlessGone(one, looking);
      if (data !== undefined || one.kind !== "whole") kept.push(keptOf(one, data?.attributes));
    }
    return kept.sort(inOrder);
  }

  async usage(): Promise<VolumeUsage> {
    const { totalBytes: capacityBytes, freeBytes } = await this.#options.nfs.room();
    const volumes = await this.volumes();
    const sum = (of: (one: KeptVolume) => number) => volumes.reduce((before, one) => before + of(one), 0);
    return {
      ...{ capacityBytes, freeBytes },
      promisedBytes: sum(({ sizeBytes }) => sizeBytes),
      allocatedBytes: sum(({ allocatedBytes }) => allocatedBytes),
    };
  }

  /** Volumes with this id by their epochs, the newest last. */
  async epochs(volumeId: string): Promise<readonly Found[]> {
    const all = (await this.#all()).filter((one) => one.volumeId === volumeId && one.kind === "whole");
    return all.sort((one, other) => one.epoch - other.epoch);
  }

  /** For whom the volumes are open, each as long as it is of the epoch that it was opened in. */
  async opened(): Promise<readonly (Opened & { readonly volumeId: string })[]> {
    const found: (Opened & { readonly volumeId: string })[] = [];
    for (const { name, kind, volumeId, epoch, handle } of await this.#all()) {
      if (kind !== "whole") continue;
      const noted = await this.#unlessGone({ name }, this.noted(handle));
      found.push(...(noted ?? []).filter((one) => one.epoch === epoch).map((one) => ({ ...one, volumeId })));
    }
    return found;
  }

  async noted(directory: Handle): Promise<readonly Opened[]> {
    const entries = await this.#options.nfs.list(directory).catch(unless("missing"));
    return (entries ?? []).flatMap(({ name }) => openedIn(name) ?? []);
  }

  async note(directory: Handle, opened: Opened): Promise<void> {
    const { nfs } = this.#options;
    await nfs.makeFile(directory, openedName(opened), 0).catch(unless("exists"));
  }

  async forget(volumeId: string, opened: Opened): Promise<void> {
    const { nfs } = this.#options;
    for (const one of await this.epochs(volumeId)) {
      const removing = nfs.removeFile(one.handle, openedName(opened)).catch(unless("missing"));
      await this.#unlessGone(one, removing);
    }
  }

  /** @throws diskFull for bytes more than may be promised */
  async refuseMore(bytes: number): Promise<void> {
    const { capacityBytes, promisedBytes } = await this.usage();
    if (promisedBytes + bytes > capacityBytes * this.#options.overcommit) throw full();
  }

  async #isMade(volumeId: string, epoch: number): Promise<boolean> {
    const there = (await this.epochs(volumeId)).at(-1)?.epoch;
    if (there === undefined) return false;
    if (there > epoch) throw stale(volumeId);
    if (there === epoch) return true;
    throw refused(`The volume ${volumeId} is there with epoch ${there}: it is taken over, not made anew.`);
  }

  async #removeParts(volumeId: string, epoch: number, isMeant: (part: string) => boolean): Promise<void> {
    for (const one of await this.#all())
      if (one.kind === "part" && one.volumeId === volumeId && one.epoch <= epoch && isMeant(one.name))
        await this.#removeTree(one.name);
  }

  async #removeTree(name: string): Promise<void> {
    const { nfs } = this.#options;
    const root = await nfs.root();
    const found = await nfs.lookup(root, name).catch(unless("missing"));
    if (found === undefined) return;
    for (const one of (await this.#unlessGone(found, nfs.list(found.handle))) ?? []) {
      const removing = nfs.removeFile(found.handle, one.name).catch(unless("missing"));
      await this.#unlessGone(found, removing);
    }
    await nfs.removeDirectory(root, name).catch(unless("missing"));
  }

  /** False: it has no longer that name, or another one has the new name. */
  async #renamed(name: string, newName: string): Promise<boolean> {
    const { nfs } = this.#options;
    try {
      await nfs.rename(await nfs.root(), name, newName);
      return true;
    } catch (error) {
      if (isFault(error, "missing", "exists", "notEmpty")) return false;
      throw error;
    }
  }

  /**
   * What was found by a directory's handle; undefined when the directory has gone meanwhile. A stale handle
   * is no proof of that, since it is stale on a server that has begun anew too: the name is looked up.
   */
  async #unlessGone<T>({ name }: Pick<Found, "name">, found: Promise<T>): Promise<T | undefined> {
    const { nfs } = this.#options;
    try {
      return await found;
    } catch (error) {
      if (!isFault(error, "stale")) throw error;
      if ((await nfs.lookup(await nfs.root(), name).catch(unless("missing"))) !== undefined) throw error;
      return undefined;
    }
  }

  async #all(): Promise<readonly Found[]> {
    const { nfs } = this.#options;
    const entries: readonly Entry[] = await nfs.list(await nfs.root());
    return entries.flatMap(({ name, handle }) => {
      const found = volumeIn(name);
      return found === undefined ? [] : [{ ...found, handle }];
    });
  }
}

const isFault = (error: unknown, ...faults: readonly NfsError["fault"][]): boolean =>
  error instanceof NfsError && faults.includes(error.fault);

const unless =
  (...faults: readonly NfsError["fault"][]) =>
  (error: unknown): undefined => {
    if (!isFault(error, ...faults)) throw error;
  };
