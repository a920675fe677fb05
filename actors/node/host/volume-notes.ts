/**
 * Closes on storages what is noted as open for guests that are not on this host any more: their machines were
 * gone before a silent storage could be told. It must never touch the note of a guest that has a process, a
 * machine or a machine's file.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Hypervisor } from "../../ports/hypervisor.ts";
import type { Holding } from "../../ports/keeper.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import type { VolumeStorage } from "../../ports/volumes.ts";
import { parseTombstone } from "../machine/file.ts";
import type { VolumeStorages } from "../machine/volume-storages.ts";

export interface VolumeNotesOptions {
  readonly storages: Pick<VolumeStorages, "doubted">;
  readonly hypervisor: Pick<Hypervisor, "inspect">;
  readonly files: Pick<MachineFiles, "readAll">;
  readonly machines: { find(instanceId: string): object | undefined };
  readonly log: Log;
}

/** Looks at the storages that are in doubt; one that is silent stays so. */
export async function closeForgotten(options: VolumeNotesOptions, signal: AbortSignal): Promise<void> {
  const { doubted } = options.storages;
  for (const storage of [...doubted])
    try {
      // A failure that comes meanwhile brings the doubt back.
      doubted.delete(storage);
      if (!(await closeOn(storage, options, signal))) doubted.add(storage);
    } catch (thrown) {
      doubted.add(storage);
      const { reason, message } = StatusError.from(thrown, "Closing volumes of guests that are gone");
      options.log.debug({ reason, message }, "A storage of volumes is asked again.");
    }
}

/**
 * False: a note is of a machine without a process. It may be going, and perhaps was it that was not heard.
 */
async function closeOn(
  storage: VolumeStorage,
  options: VolumeNotesOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { log } = options;
  let isSure = true;
  for (const holding of await storage.list()) {
    if ((await options.hypervisor.inspect(holding.instanceId)) !== undefined) continue;
    if (await hasMachine(holding, options)) {
      isSure = false;
      continue;
    }
    await storage.release(holding, signal);
    const { instanceId, ownerEpoch, what } = holding;
    log.info({ instanceId, ownerEpoch, what }, "A volume of a guest that is gone was closed.");
  }
  return isSure;
}

/** The machine is looked for last, without a pause before the release. */
async function hasMachine(
  { instanceId }: Holding,
  { files, machines }: VolumeNotesOptions,
): Promise<boolean> {
  const contents = (await files.readAll()).filter((one) => one.instanceId === instanceId);
  if (contents.some(({ content }) => parseTombstone(instanceId, content) === undefined)) return true;
  return machines.find(instanceId) !== undefined;
}
