/** Steps of a guest's start that need no state of the driver. */
import type { FileHandle } from "node:fs/promises";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { abortError } from "../waiting.ts";
import { isUsableMachineType, isUuid } from "./arguments.ts";
import { type SpawnOptions, spawnGuest } from "./guest-process.ts";
import type { Launch } from "./launcher.ts";

/** Refuses a spec that QEMU cannot run here. @throws INTERNAL hypervisorRefused */
export function refuseUnfit(spec: MachineSpec): void {
  if (spec.architecture !== "x86_64") {
    throw new StatusError(
      "hypervisorRefused",
      `This host runs x86_64 guests only, not ${spec.architecture}.`,
    );
  }
  if (spec.machineType !== null && !isUsableMachineType(spec.machineType))
    throw new StatusError("hypervisorRefused", `This host runs no guests of type ${spec.machineType}.`);
  if (isUuid(spec.instanceId)) return;
  throw new StatusError("hypervisorRefused", "QEMU needs an instance id that is a lower-case UUID.");
}

/**
 * Opens the storage lease's file, unless aborted: a storage that hangs must not keep a start from being
 * aborted. @throws AbortError
 */
export function unlessAborted(opening: Promise<FileHandle | undefined>, signal: AbortSignal) {
  return new Promise<FileHandle | undefined>((resolve, reject) => {
    const abort = () => {
      reject(abortError());
      void opening.then((late) => late?.close()).catch(() => undefined);
    };
    signal.addEventListener("abort", abort, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

export function spawn(launch: Launch, options: SpawnOptions) {
  try {
    return spawnGuest(launch, options);
  } catch (error) {
    const message = `The hypervisor of instance ${options.tag.instanceId} could not be started.`;
    throw new StatusError("hypervisorRefused", message, { cause: error });
  }
}
