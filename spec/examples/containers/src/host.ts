/** Directory, cgroups and runtime of a host's containers, for both drivers. */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { StatusError } from "novact/plugin";
import { Cgroup, cgroupOwner } from "./cgroup.ts";
import { Fault } from "./fault.ts";
import { findHierarchies, type Hierarchies } from "./hierarchies.ts";

export const runtimeDefault = "/usr/bin/crun";

export interface ContainerHost {
  /** Directory of all containers of the host. */
  readonly containers: string;
  readonly hostId: string;
}

export const containersIn = (stateDirectory: string): string => join(stateDirectory, "containers");

/** Which container has which user ids, of all nodes of the computer. */
export const claimsIn = (computerDirectory: string): string => join(computerDirectory, "container-users");

/** @throws hypervisorRefused */
export function hierarchies(): Hierarchies {
  const found = findHierarchies();
  if (typeof found !== "string") return found;
  throw new StatusError("hypervisorRefused", `This computer runs no containers: ${found}`);
}

/** Runs work of a driver; faults below it become errors of the ports. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new StatusError(error.reason, error.message, { cause: error, detail: String(error.cause) });
  }
}

/** Parents of the cgroups of a host's containers, and of the tools that unpack their images. */
export const cgroupParent = ({ hostId }: Pick<ContainerHost, "hostId">): string => `novact.${hostId}`;
export const extractionParent = ({ hostId }: Pick<ContainerHost, "hostId">): string =>
  `novact.${hostId}.images`;

/** Cgroups of the instance, of whatever owner epoch; of all instances when there is no id. */
export function cgroupsOf(host: ContainerHost, instanceId?: string): readonly Cgroup[] {
  const all = hierarchies();
  const parent = cgroupParent(host);
  return Cgroup.names(all, parent)
    .filter((name) => {
      const owner = cgroupOwner(name);
      return owner !== undefined && (instanceId === undefined || owner.instanceId === instanceId);
    })
    .map((name) => new Cgroup(all, parent, name));
}

/**
 * Refuses a directory that the root user of a container, who is nobody on the host, cannot pass through.
 * @throws hypervisorRefused
 */
export function refuseClosed(directory: string, wanted = directory): void {
  if ((statSync(directory).mode & 0o001) === 0) {
    const message = `Containers have user ids of their own and cannot reach ${wanted}: ${directory} is closed.`;
    throw new StatusError("hypervisorRefused", message);
  }
  if (directory !== "/") refuseClosed(dirname(directory), wanted);
}
