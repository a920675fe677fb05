/** What a host of the driver `bridge` carries, with and without other hosts. */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { NetworkFacts } from "../../../actors/ports/network.ts";
import { addressOf, addressText } from "../../../protocol/address.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { bridgeNetworkLimits } from "./limits.ts";

const { tapMtuBytesMax, tunnelBytesOverIpv4, tunnelBytesOverIpv6 } = bridgeNetworkLimits;

/** @throws StatusError hypervisorRefused when the computer has no such address */
export function carriedBy(underlay: string | undefined, mtuOf = deviceMtuBytes): NetworkFacts {
  const kind = "bridge";
  if (underlay === undefined) return { kind, mtuBytesMax: tapMtuBytesMax, spansHosts: false };
  const address = addressOf(underlay);
  const mtuBytes = address && mtuOf(addressText(address));
  if (address === undefined || mtuBytes === undefined) {
    const message = `No device of this computer has the address ${underlay}, which is to be the underlay's.`;
    throw new StatusError("hypervisorRefused", message);
  }
  const around = address.version === 4 ? tunnelBytesOverIpv4 : tunnelBytesOverIpv6;
  const mtuBytesMax = Math.min(mtuBytes - around, tapMtuBytesMax);
  return { kind, mtuBytesMax, spansHosts: true, underlay: addressText(address) };
}

/** Of the device with the address; undefined: none has it. */
function deviceMtuBytes(wanted: string): number | undefined {
  const name = Object.entries(networkInterfaces()).find(([, addresses = []]) =>
    addresses.some(({ address }) => {
      const own = addressOf(address);
      return own !== undefined && addressText(own) === wanted;
    }),
  )?.[0];
  return name === undefined ? undefined : Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
}
