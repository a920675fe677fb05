/** The keepers of processes in the cgroups of containers, and of disks in the directory of containers. */
import type { Holding, Keeper } from "novact/plugin";
import { cgroupOwner } from "./cgroup.ts";
import { instanceIds } from "./consoles.ts";
import { guestDirectory } from "./guest-files.ts";
import { type ContainerHost, cgroupsOf } from "./host.ts";
import type { ContainerHypervisor } from "./hypervisor.ts";
import { epochOf, type RootDisks } from "./root-disks.ts";
import { livingRecord } from "./shim-record.ts";

export function processKeeper(host: ContainerHost, hypervisor: ContainerHypervisor): Keeper {
  return {
    kind: "process",
    list: () => processes(host),
    // All of the instance goes together: a process of a container does not live alone.
    release: async ({ instanceId, what }, signal) => {
      const all = await processes(host);
      if (all.some((one) => one.instanceId === instanceId && one.what === what))
        await hypervisor.halt(instanceId, signal);
    },
  };
}

/** One for each shim, and one for each cgroup that has processes and no shim. */
async function processes(host: ContainerHost): Promise<readonly Holding[]> {
  const all = await instanceIds(host.containers);
  const shims = all.flatMap((instanceId) => livingRecord(guestDirectory(host.containers, instanceId)) ?? []);
  const orphans = cgroupsOf(host).flatMap((cgroup) => {
    const owner = cgroupOwner(cgroup.name);
    const [pid] = cgroup.processes();
    const isAlone = !shims.some(({ instanceId }) => instanceId === owner?.instanceId);
    return owner !== undefined && pid !== undefined && isAlone ? [{ ...owner, pid }] : [];
  });
  return [...shims, ...orphans].map(({ instanceId, ownerEpoch, pid }) => ({
    ...{ instanceId, ownerEpoch, what: `process ${pid}`, process: { pid, status: "running" } },
  }));
}

/** Sentences about cgroups of containers that have no directory any more. */
export async function strays(host: ContainerHost): Promise<readonly string[]> {
  const all = await instanceIds(host.containers);
  return cgroupsOf(host).flatMap((cgroup) => {
    const owner = cgroupOwner(cgroup.name);
    if (owner === undefined || all.includes(owner.instanceId)) return [];
    return [`The cgroup ${cgroup.name} of instance ${owner.instanceId} has no directory.`];
  });
}

export function diskKeeper(host: ContainerHost, disks: RootDisks): Keeper {
  const holding = async (instanceId: string, files: readonly string[]): Promise<Holding> => {
    const ownerEpoch = (await epochOf(guestDirectory(host.containers, instanceId))) ?? 0;
    return { instanceId, ownerEpoch, what: "a directory with its root file system", files };
  };
  return {
    kind: "disk",
    list: async () =>
      Promise.all((await disks.list()).map(({ instanceId, files }) => holding(instanceId, files))),
    // Without an owner epoch it is half made, and whoever asks means it.
    release: ({ instanceId, ownerEpoch }) =>
      disks.release(instanceId, ownerEpoch === 0 ? undefined : ownerEpoch),
  };
}
