/**
 * Plugs a machine into its ports before its process starts: the devices of the host that its interfaces are
 * connected to. They stay until the machine is released, over stops, starts and lives of the agent.
 */
import { hostnameOf } from "../../../protocol/guest-data.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { GuestPaths } from "../../ports/hypervisor.ts";
import type { Network, NetworkDevice } from "../../ports/network.ts";

/**
 * Idempotent. @throws guestFailed for packets that the host's network does not carry, hypervisorRefused on a
 * host without a network, and what the network throws
 */
export async function plugIn(
  network: Network | undefined,
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<Pick<GuestPaths, "interfaces">> {
  const { interfaces, instanceId, ownerEpoch } = spec;
  if (interfaces === undefined) return {};
  const hostName = spec.guest?.hostname ?? hostnameOf(spec);
  const devices: NetworkDevice[] = [];
  for (const { portId, networkId, mac, mtuBytes } of interfaces) {
    if (network === undefined)
      throw new StatusError("hypervisorRefused", "The host has no network to plug the guest into.");
    await refuseLarge(network, mtuBytes);
    const port = { portId, networkId, instanceId, ownerEpoch, hostName, mac, mtuBytes };
    devices.push(await network.ensurePort(port, signal));
  }
  return { interfaces: devices };
}

/** Said here, not by the driver: a tenant chose the size, which must not count against the host (0014). */
async function refuseLarge(network: Network, mtuBytes: number): Promise<void> {
  const { mtuBytesMax } = await network.facts();
  if (mtuBytes <= mtuBytesMax) return;
  const message = `A network of the guest has packets of ${mtuBytes} bytes; its host carries ${mtuBytesMax} bytes at most.`;
  throw new StatusError("guestFailed", message);
}
