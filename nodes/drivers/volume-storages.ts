/**
 * The storages of volumes of one host: its own directory, and the one that it shares with others when its
 * disks are on one. The configuration names a driver, and need name no more.
 */
import type { Holding, Keeper } from "../../actors/ports/keeper.ts";
import type { VolumeStorage } from "../../actors/ports/volumes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { DriverChoice, DriverContext, VolumesDriver } from "./kinds.ts";

export interface VolumesOfHost {
  readonly driver: VolumesDriver;
  readonly choice: DriverChoice;
  /** The directory of disks that hosts share. Absent: the disks are the host's own. */
  readonly sharedDirectory?: string;
}

/** The host's own first. A driver that shares no directory has one storage. */
export function volumeStorages(
  { driver, choice, sharedDirectory }: VolumesOfHost,
  context: DriverContext,
): readonly VolumeStorage[] {
  const { sharedDirectory: chosen = sharedDirectory, ...options } = choice.options;
  const own = driver.open(context, options);
  const canShare = Object.hasOwn(driver.options.properties, "sharedDirectory");
  if (!canShare || typeof chosen !== "string") return [own];
  return [own, driver.open(context, { ...options, sharedDirectory: chosen })];
}

/** As the audit asks them: one that does not answer keeps nobody from the host's other findings. */
export function heardStorages(storages: readonly VolumeStorage[]): {
  readonly keepers: readonly Keeper[];
  readonly strays: () => Promise<readonly string[]>;
} {
  const silent = new Map<VolumeStorage, string>();
  const list = async (storage: VolumeStorage): Promise<readonly Holding[]> => {
    try {
      const holdings = await storage.list();
      silent.delete(storage);
      return holdings;
    } catch (error) {
      silent.set(storage, StatusError.from(error, "Listing open volumes").message);
      return [];
    }
  };
  const keepers = storages.map((storage) => ({
    kind: storage.kind,
    list: () => list(storage),
    release: (...given: Parameters<Keeper["release"]>) => storage.release(...given),
  }));
  return { keepers, strays: async () => [...new Set(silent.values())] };
}
