/** The hypervisor driver `qemu`, assembled. */
import { join } from "node:path";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { hostOfGroups } from "../cgroup/group-name.ts";
import { GuestGroups } from "../cgroup/guest-groups.ts";
import { readHierarchies } from "../cgroup/hierarchies.ts";
import { GroupKeeper } from "../cgroup/keeper.ts";
import { wantedHierarchies } from "../cgroup/wanted.ts";
import { hostNumaNodes } from "../computer-facts.ts";
import { FileConsoles } from "../console-file.ts";
import { writeGuardGroups } from "../guard-groups-file.ts";
import { makeStateDirectories } from "../guest-directory.ts";
import type { HypervisorDriver } from "../kinds.ts";
import { runTool } from "../tool.ts";
import { chooseAccelerator } from "./accelerator.ts";
import { QemuHypervisor } from "./driver.ts";
import { qemuFacts } from "./facts.ts";
import { openGuard } from "./guard-client.ts";
import { GuestNetwork } from "./guest-network.ts";
import { everyGuestHolds } from "./guest-process.ts";
import { askOffers, shapesOf } from "./offers.ts";
import type { AcceleratorChoice } from "./options.ts";
import { processKeeper } from "./process-keeper.ts";
import { findStrays } from "./strays.ts";

const { emulator: executable } = qemuFacts.programs;
const versionTimeoutMs = 20_000;

export const qemuHypervisor: HypervisorDriver<typeof qemuFacts.options> = {
  ...qemuFacts,
  open(context, { accelerator: wanted = "auto", cpuModel }) {
    const directories = makeStateDirectories(context.stateDirectory);
    const { clock, ids, log, disks, probe } = context;
    const version = once(findVersion);
    const network = new GuestNetwork({ directories, clock, log });
    const accelerator = once<AcceleratorChoice>(() =>
      chooseAccelerator({
        ...{ clock, ids, log, executable, version, probe, wanted },
        network: () => network.path(),
        directory: context.stateDirectory,
        cacheFile: join(context.computerDirectory, "accelerator.json"),
      }),
    );
    const offers = once(async () => askOffers(executable, (await accelerator()).accelerator));
    const shapes = once(async () => shapesOf(await offers(), (await accelerator()).accelerator, cpuModel));
    const guard = join(directories.root, "guard");
    const groups = new GuestGroups({
      host: hostOfGroups(context.hostId, directories.root),
      ...wantedHierarchies(process.env.NOVACT_CGROUPS, readHierarchies),
      ...{ clock, log },
    });
    tellGuard(guard, groups, log);
    const hypervisor = new QemuHypervisor({
      ...{ directories, clock, log, executable, version, accelerator, shapes, network, groups },
      ...(disks.openLease === undefined ? {} : { openLease: disks.openLease }),
      nodes: () => hostNumaNodes(),
    });
    return {
      hypervisor,
      consoles: new FileConsoles(directories, log),
      guard: () => openGuard({ directory: guard, guests: directories.guests, clock }),
      keepers: [processKeeper(directories, hypervisor), new GroupKeeper(groups)],
      strays: () => findStrays(directories),
      everyGuestHolds: (path) => everyGuestHolds(directories, path),
      machineTypes: async () => (await offers()).machineTypes,
    };
  },
};

/** When it cannot be told (a full disk), the guard goes by processes until the agent's next start. */
function tellGuard(directory: string, { freezer }: GuestGroups, log: Log): void {
  if (freezer === undefined) return;
  try {
    writeGuardGroups(directory, freezer);
  } catch (error) {
    log.warn({ error: String(error) }, "the guard could not be told where the cgroups of guests are");
  }
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
