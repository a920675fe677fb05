/** The plug-in: a hypervisor that runs containers, and the disks that it runs them on. */
import { type DisksDriver, definePlugin, type HypervisorDriver, Type } from "novact/plugin";
import { ContainerConsoles } from "./consoles.ts";
import { claimsIn, containersIn } from "./host.ts";
import { ContainerHypervisor } from "./hypervisor.ts";
import { IdleGuard } from "./idle-guard.ts";
import { diskKeeper, processKeeper, strays } from "./keepers.ts";
import { disksOptions, hypervisorOptions } from "./options.ts";
import { RootDisks } from "./root-disks.ts";

const disksName = "container-roots";

export const containers: HypervisorDriver<typeof hypervisorOptions> = {
  options: hypervisorOptions,
  disks: disksName,
  // No others: nothing would stop a container in time whose disk another host may take over.
  disksOnly: [disksName],
  open({ hostId, stateDirectory, log }, options) {
    const host = { hostId, containers: containersIn(stateDirectory) };
    const hypervisor = new ContainerHypervisor(host, options, log);
    return {
      hypervisor,
      consoles: new ContainerConsoles(host.containers),
      guard: async () => new IdleGuard(),
      keepers: [processKeeper(host, hypervisor)],
      strays: () => strays(host),
    };
  },
};

export const containerRoots: DisksDriver<typeof disksOptions> = {
  options: disksOptions,
  open({ hostId, stateDirectory, computerDirectory, imageStore }, options) {
    const host = { hostId, containers: containersIn(stateDirectory) };
    const disks = new RootDisks(host, { ...options, imageStore, claims: claimsIn(computerDirectory) });
    return { disks, storageId: null, space: disks, keepers: [diskKeeper(host, disks)] };
  },
};

export default definePlugin({
  name: "containers",
  api: 1,
  options: Type.Object({}, { additionalProperties: false }),
  parts: () => ({ hypervisors: { containers }, disks: { [disksName]: containerRoots } }),
});
