/**
 * What a host says in its inventory of its drivers: their names, what the hypervisor can do, and what bounds
 * its guests. Pure; texts of drivers are made such as a controller takes.
 */
import type { Hypervisor, HypervisorCapabilities } from "../../actors/ports/hypervisor.ts";
import type { NetworkFacts } from "../../actors/ports/network.ts";
import { addressOf } from "../../protocol/address.ts";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { networkLimits } from "../../protocol/limits/network.ts";
import { oneLine } from "./host-text.ts";

/**
 * What a hypervisor really can: one that says that it changes interfaces of running guests, and lacks a verb
 * for it, would let every such change wait for ever.
 */
export const canHotPlug = (
  hypervisor: Pick<Hypervisor, "rewire" | "unplugOthers">,
  { hotPlug }: Pick<HypervisorCapabilities, "hotPlug">,
): boolean => hotPlug && hypervisor.rewire !== undefined && hypervisor.unplugOthers !== undefined;

/** What can be a volume of the host's guests: a hypervisor opens nothing where no storage has volumes. */
export const openedVolumes = (
  { attachVolume }: Pick<Hypervisor, "attachVolume">,
  { volumes }: Pick<HypervisorCapabilities, "volumes">,
  storages: readonly unknown[] = [],
): HypervisorCapabilities["volumes"] => (attachVolume === undefined || storages.length === 0 ? [] : volumes);

type Names = Pick<HostDrivers, "hypervisor" | "disks" | "network" | "volumes">;

export function saidDrivers(
  names: Names,
  capabilities: HypervisorCapabilities,
  network?: SaidNetwork,
): HostDrivers {
  const { networks, volumes, hotPlug, liveMigration, console, save, bounding, shapes } = capabilities;
  const { configDrive, localDisks } = capabilities;
  return {
    ...names,
    abilities: {
      ...{ networks: [...networks], volumes: [...volumes], hotPlug, liveMigration, console, save },
      ...(configDrive === undefined ? {} : { configDrive }),
      ...(localDisks === undefined ? {} : { localDisks }),
    },
    ...(shapes === undefined ? {} : { shapes }),
    ...(network === undefined ? {} : { networking: saidOfNetwork(network) }),
    ...(bounding === undefined ? {} : { bounding: { ...bounding, why: oneLine(bounding.why) } }),
  };
}

/** `why`: why the host has that driver, where it was chosen for it. */
type SaidNetwork = NetworkFacts & { readonly why?: string };

function saidOfNetwork({
  mtuBytesMax,
  spansHosts,
  underlay = "",
  publishes = false,
  physicalNetworks,
  overlays,
  outside,
  filters,
  hotPlug,
  limits = false,
  why,
}: SaidNetwork): NonNullable<HostDrivers["networking"]> {
  const address = addressOf(underlay) === undefined ? null : underlay;
  const size = Math.min(mtuBytesMax, networkLimits.mtuBytesMax);
  return {
    ...{ mtuBytesMax: size, spansHosts, underlay: address, ...(publishes ? { publishes } : {}) },
    ...(limits ? { limits } : {}),
    ...(physicalNetworks === undefined ? {} : { physicalNetworks: [...physicalNetworks] }),
    ...(overlays === undefined ? {} : { overlays }),
    ...(outside === undefined ? {} : { outside: [...outside] }),
    ...(filters === undefined ? {} : { filters }),
    ...(hotPlug === undefined ? {} : { hotPlug }),
    ...(why === undefined ? {} : { why: oneLine(why) }),
  };
}
