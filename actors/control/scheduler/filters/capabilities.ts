/**
 * Passes hosts that match the flavor's `capabilities:…`: values that the host reports, under Nova's names,
 * and its labels, under their own. As in Nova, a missing value refuses the host.
 */
import type { Value } from "../matching.ts";
import { matcher } from "../matching.ts";
import type { HostView } from "../state.ts";
import { type Check, efforts, type Refuse, type RequestFilter } from "./filter.ts";

type Read = (host: HostView) => Value | undefined;

/** `true` or `false`; nothing where the host does not say. */
function able(ability: "hotPlug" | "liveMigration" | "save" | "console"): Read {
  return ({ drivers }) => (drivers === null ? undefined : String(drivers.abilities[ability]));
}

/** A label of that name comes first: operators had such labels before hosts told their drivers. */
function driverOf(kind: "hypervisor" | "disks" | "network" | "volumes"): Read {
  return ({ drivers, labels }) => labels[kind] ?? drivers?.[kind] ?? undefined;
}

const known: Readonly<Record<string, Read>> = {
  host: ({ name }) => name,
  hypervisor_hostname: ({ name }) => name,
  hypervisor_type: ({ hypervisor }) => hypervisor,
  hypervisor_version: ({ hypervisorVersion }) => hypervisorVersion,
  accelerator: ({ accelerator }) => accelerator,
  "cpu_info:arch": ({ architecture }) => architecture,
  "cpu_info:features": ({ features }) => [...features],
  machine_types: ({ machineTypes }) => machineTypes,
  hypervisor: driverOf("hypervisor"),
  disks: driverOf("disks"),
  network: driverOf("network"),
  volumes: driverOf("volumes"),
  network_kinds: ({ drivers }) => drivers?.abilities.networks,
  volume_kinds: ({ drivers }) => drivers?.abilities.volumes,
  can_hot_plug: able("hotPlug"),
  can_live_migrate: able("liveMigration"),
  can_save: able("save"),
  has_console: able("console"),
  vcpus_total: ({ capacity }) => String(capacity.vcpus),
  vcpus_used: ({ claimed }) => String(claimed.vcpus),
  total_usable_ram_mb: ({ capacity }) => String(capacity.memoryMib),
  free_ram_mb: ({ capacity, claimed }) => String(capacity.memoryMib - claimed.memoryMib),
  total_usable_disk_gb: ({ capacity }) => String(capacity.diskGib),
  free_disk_mb: ({ capacity, claimed }) => String((capacity.diskGib - claimed.diskGib) * 1024),
  num_instances: ({ instances }) => String(instances),
  num_io_ops: ({ ioOps }) => String(ioOps),
};

const scope = "capabilities:";

export const capabilities: RequestFilter = {
  name: "capabilities",
  effort: efforts.another,
  prepare: ({ extraSpecs = {} }) => {
    const checks = Object.entries(extraSpecs)
      .filter(([spec]) => spec.startsWith(scope))
      .map(([spec, requirement]) => asking(spec.slice(scope.length), requirement));
    if (checks.length === 0) return undefined;
    return (host) => {
      for (const check of checks) {
        const result = check(host);
        if (result !== true) return result;
      }
      return true;
    };
  },
};

function asking(key: string, requirement: string): Check {
  const read = Object.hasOwn(known, key) ? known[key] : ({ labels }: HostView) => labels[key];
  const matches = matcher(requirement);
  const refuse: Refuse = (host) => {
    const value = read?.(host);
    const has = value === undefined ? "no such thing" : value.toString();
    return {
      reason: `the flavor wants ${key} ${requirement}, the host has ${has}`,
      remedy: `choose another flavor${Object.hasOwn(known, key) ? "" : `, or label the host with ${key}`}`,
    };
  };
  return (host) => {
    const value = read?.(host);
    return (value !== undefined && matches(value)) || refuse;
  };
}
