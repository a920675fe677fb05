/** The keeper of QEMU's processes, found in the kernel's process table and not in the driver's memory. */
import type { Hypervisor } from "../../../actors/ports/hypervisor.ts";
import type { Keeper } from "../../../actors/ports/keeper.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StateDirectories } from "../guest-directory.ts";
import { findGuests } from "./guest-process.ts";

export function processKeeper(
  directories: StateDirectories,
  hypervisor: Pick<Hypervisor, "inspect" | "halt">,
): Keeper {
  const list = async () =>
    (await findGuests(directories)).map(({ tag, pid, state }) => ({
      ...{ instanceId: tag.instanceId, ownerEpoch: tag.ownerEpoch, what: `process ${pid}` },
      process: { pid, status: state === "T" || state === "t" ? "stopped" : "running" },
    }));
  return {
    kind: "process",
    list,
    release: async ({ instanceId, what }, signal) => {
      const guest = await hypervisor.inspect(instanceId);
      if (guest !== undefined && what === `process ${guest.pid}`) return hypervisor.halt(instanceId, signal);
      if (!(await list()).some((one) => one.instanceId === instanceId && one.what === what)) return;
      const message = `The ${what} of instance ${instanceId} is not the one that the driver has adopted.`;
      throw new StatusError("hypervisorRefused", message);
    },
  };
}
