/**
 * The ports of disks, machine files and consoles on a fake world. Nothing here touches the real computer,
 * whatever it is told: paths are names, contents are strings.
 */
import type { ConsolePage, Consoles } from "../../../actors/ports/consoles.ts";
import type { Disks, GuestNetworks, ReleaseOptions } from "../../../actors/ports/disks.ts";
import type { GuestPaths } from "../../../actors/ports/hypervisor.ts";
import type { MachineFiles } from "../../../actors/ports/machine-files.ts";
import type { ImageFile } from "../../../protocol/image.ts";
import type { MachineSpec, SharedDisk } from "../../../protocol/machine.ts";
import { type ConsoleStart, readConsolePage } from "../console-page.ts";
import { guestFiles } from "../guest-directory.ts";
import { throwIfAborted } from "../waiting.ts";
import type { FakeWorld } from "./world.ts";

export class FakeDisks implements Disks {
  readonly configDrives = true;
  readonly localDisks = true;
  readonly #world: FakeWorld;

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  /** Where the disks are, for a fake hypervisor that runs guests on them. */
  get world(): FakeWorld {
    return this.#world;
  }

  async ensure(spec: MachineSpec, signal: AbortSignal, networks?: GuestNetworks): Promise<GuestPaths> {
    await this.#world.enter("ensureDisks", spec.instanceId, signal);
    const { kernel, ramdisk } = spec.image;
    const directory = `/fake/guests/${spec.instanceId}`;
    const own = ownDisks(spec);
    const hasDisk = own.length > 0;
    const files = this.#world.disks.get(spec.instanceId) ?? new Set<string>();
    const { storage } = this.#world;
    this.#world.disks.set(spec.instanceId, files);
    if (hasDisk && storage !== undefined) {
      this.#world.sharedEpochs.set(spec.instanceId, spec.ownerEpoch);
      storage.ensure(spec, own);
    }
    if (storage === undefined) for (const file of own) files.add(file);
    const told = spec.guest?.configDrive === true;
    // As the real one waits for it.
    if (told && (spec.interfaces ?? []).length > 0) await networks?.();
    if (told) files.add(guestFiles.configDrive);
    const ofDisk =
      storage === undefined ? directory : `/fake/shared/guests/${spec.instanceId}.e${spec.ownerEpoch}`;
    const pathOf = (file: string) => (own.includes(file) ? `${ofDisk}/${file}` : undefined);
    const cached = (file: { readonly sha256: string } | null) =>
      file === null ? undefined : `/fake/images/${file.sha256}`;
    return {
      directory,
      ...{
        disk: pathOf(guestFiles.disk),
        ephemeral: pathOf(guestFiles.ephemeral),
        swap: pathOf(guestFiles.swap),
      },
      kernel: cached(kernel),
      ramdisk: cached(ramdisk),
      configDrive: told ? `${directory}/${guestFiles.configDrive}` : undefined,
    };
  }

  async image({ sha256 }: ImageFile, signal: AbortSignal): Promise<string> {
    throwIfAborted(signal);
    return `/fake/images/${sha256}`;
  }

  async release(instanceId: string, ownerEpoch?: number, options?: ReleaseOptions): Promise<void> {
    await this.#world.enter("releaseDisks", instanceId, new AbortController().signal);
    const own = this.#world.sharedEpochs.get(instanceId);
    const released = ownerEpoch ?? own;
    if (released !== undefined && options?.keepDisk !== true)
      this.#world.storage?.release(instanceId, released);
    if (own === undefined || released === undefined || own <= released) this.#world.forget(instanceId);
  }

  async listShared(): Promise<readonly SharedDisk[]> {
    return this.#world.storage?.list() ?? [];
  }

  async releaseShared(instanceId: string, ownerEpoch: number): Promise<void> {
    await this.#world.enter("releaseDisks", instanceId, new AbortController().signal);
    this.#world.storage?.release(instanceId, ownerEpoch);
  }

  async list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]> {
    return [...this.#world.disks].map(([instanceId, files]) => ({
      instanceId,
      files: [...files, ...this.#sharedFiles(instanceId)],
    }));
  }

  #sharedFiles(instanceId: string): readonly string[] {
    const ownerEpoch = this.#world.sharedEpochs.get(instanceId);
    const disk = ownerEpoch === undefined ? undefined : this.#world.storage?.find(instanceId, ownerEpoch);
    return [...(disk?.files ?? [])];
  }
}

export class FakeMachineFiles implements MachineFiles {
  readonly #files: Map<string, string>;

  constructor(world: FakeWorld) {
    this.#files = world.machineFiles;
  }

  async write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void> {
    this.#files.set(instanceId, JSON.stringify(content));
  }

  async remove(instanceId: string): Promise<void> {
    this.#files.delete(instanceId);
  }

  async readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]> {
    return [...this.#files].map(([instanceId, text]) => ({ instanceId, content: parsed(text) }));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A test has damaged the file: by the port, an unreadable file has no content.
    return undefined;
  }
}

export class FakeConsoles implements Consoles {
  readonly #world: FakeWorld;

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  async read(instanceId: string, from: ConsoleStart): Promise<ConsolePage | undefined> {
    const text = this.#world.console(instanceId);
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    const read = async (start: number, end: number) => bytes.subarray(start, end);
    return readConsolePage({ size: bytes.length, read }, from);
  }

  /** Does nothing: fake guests print two lines per boot, too little to be trimmed. */
  async trim(): Promise<void> {
    return Promise.resolve();
  }
}

/** The names of the disks that lie beside each other. */
const ownDisks = ({ image, diskGib, ephemeralGib = 0, swapMib = 0 }: MachineSpec): readonly string[] => [
  ...(image.disk !== null || diskGib > 0 ? [guestFiles.disk] : []),
  ...(ephemeralGib > 0 ? [guestFiles.ephemeral] : []),
  ...(swapMib > 0 ? [guestFiles.swap] : []),
];
