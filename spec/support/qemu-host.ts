/** The drivers of a host with QEMU guests on emulated processors, on disks in files. */
import { createDrivers } from "../../nodes/drivers/index.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { silentLog } from "./driver-world.ts";

interface QemuHost {
  readonly stateDirectory: string;
  readonly imageStore: string;
  /** Absent: the disks are in the state directory. */
  readonly sharedDirectory?: string;
  /** How often the room may be promised to volumes. Absent: the host keeps none. */
  readonly volumesOvercommit?: number;
}

export function qemuHost({
  stateDirectory,
  imageStore,
  sharedDirectory,
  volumesOvercommit: overcommit,
}: QemuHost): Drivers {
  const shared = sharedDirectory === undefined ? {} : { sharedDirectory };
  return createDrivers(
    {
      hypervisor: { driver: "qemu", options: { accelerator: "tcg" } },
      disks: { driver: "files", options: shared },
      network: undefined,
      volumes: overcommit === undefined ? undefined : { driver: "files", options: { overcommit } },
    },
    {
      ...{ hostId: "host", hostName: "host", stateDirectory, computerDirectory: stateDirectory, imageStore },
      ...{ clock: systemClock, ids: systemIds(0), log: silentLog },
    },
  );
}
