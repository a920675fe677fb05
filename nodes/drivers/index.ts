/** Opens the drivers of a host: one of each kind that its configuration has chosen. */
import { findingsOf } from "./findings.ts";
import { makeStateDirectories } from "./guest-directory.ts";
import type {
  DisksPart,
  DriverChoices,
  DriverContext,
  DriverRegistry,
  Drivers,
  HypervisorContext,
  HypervisorPart,
} from "./kinds.ts";
import { DirectoryMachineFiles } from "./machine-files.ts";
import { builtInRegistry } from "./registry.ts";
import { heardStorages, volumeStorages } from "./volume-storages.ts";

/** What the host is, and the guest to try its abilities with. */
export type HostContext = DriverContext & Pick<HypervisorContext, "probe">;

/**
 * Makes the ports of one host. Starts nothing: what a hypervisor is able to do is determined when it is asked
 * for. The options have passed their drivers' schemas. @throws Error when the registry is not the one that
 * the configuration was checked with
 */
export function createDrivers(
  choices: DriverChoices,
  { probe, ...context }: HostContext,
  registry: DriverRegistry = builtInRegistry,
): Drivers {
  const { hypervisor, disks, network, volumes } = choices;
  const disksDriver = chosen("disks", registry.disks, disks.driver);
  const ofDisks = disksDriver.open(context, disks.options);
  const ofHypervisor = chosen("hypervisor", registry.hypervisors, hypervisor.driver).open(
    { ...context, disks: ofDisks, ...(probe === undefined ? {} : { probe }) },
    hypervisor.options,
  );
  const ofNetwork =
    network && chosen("network", registry.networks, network.driver).open(context, network.options);
  const { sharedDirectory } = disks.options;
  const shared = typeof sharedDirectory === "string" ? { sharedDirectory } : {};
  const storages =
    volumes === undefined
      ? []
      : volumeStorages(
          { driver: chosen("volumes", registry.volumes, volumes.driver), choice: volumes, ...shared },
          context,
        );
  const heard = heardStorages(storages);
  const { driver: ofGuests } = hypervisor;
  const others = ofNetwork === undefined ? [] : [ofNetwork];
  return {
    names: {
      ...{ hypervisor: ofGuests, disks: disks.driver },
      ...{ network: network?.driver ?? null, volumes: volumes?.driver ?? null },
    },
    keepsDisks: disksDriver.pretends !== true,
    ...(ofNetwork === undefined ? {} : { network: ofNetwork }),
    volumes: storages,
    ...together(ofDisks, ofHypervisor, context),
    ...kept(
      [...ofHypervisor.keepers, ...ofDisks.keepers, ...others, ...heard.keepers],
      [ofHypervisor.strays, ofDisks.strays, heard.strays],
      ofDisks,
    ),
  };
}

/** Once a hypervisor can tell which guests hold one, the disks' storage leases can be relied on. */
function together(disks: DisksPart, hypervisor: HypervisorPart, { stateDirectory }: DriverContext) {
  const { everyGuestHolds, machineTypes } = hypervisor;
  const storageLeases = everyGuestHolds && disks.storageLeases?.(everyGuestHolds);
  return {
    ...{ disks: disks.disks, storageId: disks.storageId, space: disks.space },
    ...{ hypervisor: hypervisor.hypervisor, consoles: hypervisor.consoles },
    guard: () => hypervisor.guard(),
    ...(storageLeases === undefined ? {} : { storageLeases }),
    ...(machineTypes === undefined ? {} : { machineTypes }),
    ...(disks.givenImages === undefined ? {} : { givenImages: disks.givenImages }),
    machineFiles: hypervisor.machineFiles ?? new DirectoryMachineFiles(makeStateDirectories(stateDirectory)),
  };
}

const kept = (
  keepers: Drivers["keepers"],
  strays: Parameters<typeof findingsOf>[1],
  disks: Pick<DisksPart, "imageCache">,
) => ({
  keepers,
  audit: async () => {
    // The rest is told all the same.
    const imageCache = await disks.imageCache?.().catch(() => undefined);
    return {
      ...(await findingsOf(keepers, strays)),
      ...(imageCache && { imageCache }),
    };
  },
});

function chosen<T>(kind: string, drivers: Readonly<Record<string, T>>, name: string): T {
  const driver = Object.hasOwn(drivers, name) ? drivers[name] : undefined;
  if (driver !== undefined) return driver;
  const names = Object.keys(drivers).join(", ");
  throw new Error(`There is no ${kind} driver ${name}. There are: ${names}.`);
}
