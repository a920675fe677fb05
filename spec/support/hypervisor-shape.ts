/** Shared by the parts of the hypervisor's contract: a host's newest shape, and the reason of a refusal. */
import type { MachineShape, OfferedShapes } from "../../protocol/shape.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export const shapeOf = ({ versions, machineType, cpuModel }: OfferedShapes): MachineShape => ({
  ...{ version: versions.at(-1) ?? 0, machineType, cpuModel },
});

export async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof StatusError ? error.reason : error instanceof Error ? error.name : "nothing";
  }
  return "no error";
}
