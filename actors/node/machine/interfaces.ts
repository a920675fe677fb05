/**
 * Plugs a machine into its ports: the devices of the host that its interfaces are connected to. They stay
 * until the machine has another wish or is released, over stops, starts and lives of the agent. It is told
 * the whole, and makes what is there equal to it.
 */
import { hostnameOf } from "../../../protocol/guest-data.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { GuestPaths, Hypervisor } from "../../ports/hypervisor.ts";
import type { Network, NetworkDevice, ToldGuest } from "../../ports/network.ts";

/**
 * Idempotent. @throws guestFailed for packets that the host's network does not carry, hypervisorRefused on a
 * host without a network, and what the network throws
 */
export async function plugIn(
  network: Network | undefined,
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<Pick<GuestPaths, "interfaces" | "plugged" | "namespace">> {
  const { interfaces, instanceId, ownerEpoch } = spec;
  const namespace = await network?.hypervisorNamespace?.();
  const place = namespace === undefined ? {} : { namespace };
  if (interfaces === undefined) return place;
  const hostName = spec.guest?.hostname ?? hostnameOf(spec);
  const told = toldGuest(spec);
  const devices: NetworkDevice[] = [];
  for (const { portId, networkId, mac, mtuBytes, physicalNetwork } of interfaces) {
    if (network === undefined)
      throw new StatusError("hypervisorRefused", "The host has no network to plug the guest into.");
    await refuseLarge(network, mtuBytes);
    const on = physicalNetwork === undefined ? {} : { physicalNetwork };
    const port = { portId, networkId, ...on, instanceId, ownerEpoch, hostName, mac, mtuBytes, told };
    devices.push(await network.ensurePort(port, signal));
  }
  const plugged = async (during: AbortSignal) => {
    for (const { portId } of interfaces) await network?.plugged(portId, during);
  };
  return { interfaces: devices, plugged, ...place };
}

/** Undefined: the controller is of before, and says nothing of it. */
const toldGuest = ({ project, name, guest, interfaces = [] }: MachineSpec): ToldGuest | undefined =>
  guest && { project, name, data: guest, portIds: interfaces.map(({ portId }) => portId) };

export interface Wiring {
  readonly hypervisor: Hypervisor;
  readonly network: Network | undefined;
  readonly spec: MachineSpec;
  readonly signal: AbortSignal;
  /** Called when the host has no port beside those of the spec any more, whatever becomes of these. */
  readonly onUnplugged: () => void;
}

/**
 * Makes the interfaces of a machine those of its spec, whether its guest lives or not. When it resolves, the
 * host has no other port of the machine, and nothing passes between its guest and any other. The guest goes
 * first: a port that a process may still send from is not let go of. What goes does not wait for what comes,
 * which may never be plugged in. @throws as `plugIn`, and what the hypervisor throws
 */
export async function rewire(wiring: Wiring): Promise<void> {
  const { hypervisor, network, spec, signal, onUnplugged } = wiring;
  const living = await hypervisor.inspect(spec.instanceId);
  const isUp = living?.ownerEpoch === spec.ownerEpoch;
  if (isUp && (hypervisor.rewire === undefined || hypervisor.unplugOthers === undefined))
    throw new StatusError("hypervisorRefused", "The hypervisor changes no interfaces of a running guest.");
  if (isUp) await hypervisor.unplugOthers?.(spec, signal);
  await releaseOthers(network, spec, signal);
  if (!isUp) return;
  onUnplugged();
  const { interfaces = [], plugged } = await plugIn(network, spec, signal);
  await hypervisor.rewire?.(spec, interfaces, signal);
  await plugged?.(signal);
}

/** Lets go of what the host has of the machine's ports beyond those of its spec. */
export async function releaseOthers(
  network: Network | undefined,
  { interfaces = [], instanceId, ownerEpoch }: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  const portIds = interfaces.map(({ portId }) => portId);
  await network?.releaseOthers({ instanceId, ownerEpoch, portIds }, signal);
}

/** Said here, not by the driver: a tenant chose the size, which must not count against the host (0014). */
async function refuseLarge(network: Network, mtuBytes: number): Promise<void> {
  const { mtuBytesMax } = await network.facts();
  if (mtuBytes <= mtuBytesMax) return;
  const message = `A network of the guest has packets of ${mtuBytes} bytes; its host carries ${mtuBytesMax} bytes at most.`;
  throw new StatusError("guestFailed", message);
}
