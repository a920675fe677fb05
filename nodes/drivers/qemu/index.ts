/** The drivers of one host on QEMU and its local file system, assembled. */
import { join } from "node:path";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { DirectorySpace, spaceNames } from "../../process/disk-space.ts";
import { hostNumaNodes } from "../computer-facts.ts";
import { FileConsoles } from "../console-file.ts";
import { FileDisks } from "../disks-file.ts";
import { makeStateDirectories } from "../guest-directory.ts";
import type { DriverOptions, Drivers } from "../kinds.ts";
import { DirectoryMachineFiles } from "../machine-files.ts";
import { FileStorageLeases } from "../shared-storage/leases.ts";
import { SharedStorage } from "../shared-storage/storage.ts";
import { runTool } from "../tool.ts";
import { chooseAccelerator } from "./accelerator.ts";
import { isUsableMachineType } from "./arguments.ts";
import { auditFiles } from "./audit.ts";
import { type AcceleratorChoice, QemuHypervisor } from "./driver.ts";
import { openGuard } from "./guard-client.ts";
import { GuestNetwork } from "./guest-network.ts";
import { everyGuestHolds } from "./guest-process.ts";

const executable = "qemu-system-x86_64";
const versionTimeoutMs = 20_000;

export function createQemuDrivers(options: DriverOptions): Drivers {
  const directories = makeStateDirectories(options.stateDirectory);
  const { clock, ids, log } = options;
  const version = once(findVersion);
  const network = new GuestNetwork({ directories, clock, log });
  const accelerator = once<AcceleratorChoice>(() =>
    chooseAccelerator({
      ...{ clock, ids, log, executable, version, probe: options.probe },
      network: () => network.path(),
      wanted: options.accelerator ?? "auto",
      directory: options.stateDirectory,
      cacheFile: options.acceleratorCache ?? join(options.stateDirectory, "accelerator.json"),
    }),
  );
  const { sharedDirectory } = options;
  const shared = sharedDirectory === undefined ? undefined : new SharedStorage(sharedDirectory, ids);
  const space = new DirectorySpace([
    { of: spaceNames.state, path: directories.root },
    { of: spaceNames.guests, path: directories.guests },
    ...(shared === undefined ? [] : [{ of: spaceNames.shared, path: shared.root }]),
  ]);
  const disks = new FileDisks(directories, options.imageStore, {
    ...(shared === undefined ? {} : { shared }),
    space,
  });
  const leases =
    shared &&
    new FileStorageLeases({
      directory: shared.root,
      everyGuestHolds: (path) => everyGuestHolds(directories, path),
    });
  const openLease = async () => leases?.openForGuest();
  return {
    hypervisor: new QemuHypervisor({
      ...{ directories, clock, log, executable, version, accelerator },
      ...{ openLease, network },
      nodes: () => hostNumaNodes(),
    }),
    disks,
    ...(leases === undefined ? {} : { storageLeases: leases }),
    storageId: shared?.storageId ?? null,
    guard: () => openGuard({ directory: join(directories.root, "guard"), guests: directories.guests, clock }),
    machineFiles: new DirectoryMachineFiles(directories),
    consoles: new FileConsoles(directories, log),
    space,
    audit: () => auditFiles(directories, disks),
    machineTypes: once(() => findMachineTypes(log)),
  };
}

/** QEMU's version. @throws INTERNAL hypervisorRefused */
async function findVersion(): Promise<string> {
  const argv = ["--version"];
  const result = await runTool(executable, argv, { timeoutMs: versionTimeoutMs }).catch((error: unknown) => {
    throw new StatusError("hypervisorRefused", "QEMU is not installed on this host.", { cause: error });
  });
  const version = /version ([0-9]+(\.[0-9]+)*)/.exec(result.output)?.[1];
  if (result.exitCode === 0 && version !== undefined) return version;
  throw new StatusError("hypervisorRefused", "QEMU does not tell its version.", { detail: result.errors });
}

/**
 * The machine types that QEMU offers; none when QEMU does not list them, since guests run without the list.
 */
async function findMachineTypes(log: DriverOptions["log"]): Promise<readonly string[]> {
  try {
    const { output } = await runTool(executable, ["-machine", "help"], { timeoutMs: versionTimeoutMs });
    return machineTypesIn(output).filter(isUsableMachineType).slice(0, fieldLimits.hostMachineTypesMax);
  } catch (error) {
    log.warn({ error }, "QEMU does not tell which machines it can pretend to be");
    return [];
  }
}

/** The machine types in QEMU's list: the first word of each line, without the heading and without `none`. */
export function machineTypesIn(output: string): readonly string[] {
  const words = output
    .split("\n")
    .flatMap((line) => /^([a-z0-9][A-Za-z0-9_.-]{0,63})\s{2,}/.exec(line)?.[1] ?? []);
  return [...new Set(words)].filter((word) => word !== "none").sort();
}

/** A function that calls `find` once and gives everybody the same promise; after a failure it calls again. */
function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}
