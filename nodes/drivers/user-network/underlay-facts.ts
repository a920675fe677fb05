/**
 * What a host can carry over its underlay: whether the address is one of this computer, and how large the
 * packets of guests may be so that a frame behind VXLAN's headers is one packet of the underlay.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { NetworkFacts } from "../../../actors/ports/network.ts";
import { addressOf, addressText } from "../../../protocol/address.ts";
import { networkLimits } from "../../../protocol/limits/network.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { userNetworkLimits } from "./limits.ts";

/** An Ethernet header, VXLAN's and UDP's of 8 bytes each, and an IP header. */
const encapsulationBytes = { 4: 14 + 8 + 8 + 20, 6: 14 + 8 + 8 + 40 } as const;

/** Of IPv4 (RFC 791, 3.1); the device lo says one more. */
const ipPacketBytesMax = 65_535;

/** @throws StatusError hypervisorRefused when this computer has no such address, or too small a device */
export function factsOf(underlay: string | undefined, mtuOf = deviceMtuBytes): NetworkFacts {
  const { streamMtuBytesMax } = userNetworkLimits;
  if (underlay === undefined) return { kind: "user", mtuBytesMax: streamMtuBytesMax, spansHosts: false };
  const address = addressOf(underlay);
  const deviceBytes = address === undefined ? undefined : mtuOf(underlay);
  if (address === undefined || deviceBytes === undefined)
    throw new StatusError(
      "hypervisorRefused",
      `No device of this computer has the address ${underlay}, which is to be the underlay's.`,
    );
  const packetBytes = Math.min(deviceBytes, ipPacketBytesMax) - encapsulationBytes[address.version];
  const mtuBytesMax = Math.min(packetBytes, streamMtuBytesMax);
  if (mtuBytesMax < networkLimits.mtuBytesMin)
    throw new StatusError("hypervisorRefused", `The device with ${underlay} has packets that are too small.`);
  return { kind: "user", mtuBytesMax, spansHosts: true, underlay: addressText(address) };
}

/** Undefined: no device has the address. */
function deviceMtuBytes(address: string): number | undefined {
  const wanted = addressOf(address)?.value;
  const name = Object.entries(networkInterfaces()).find(([, addresses = []]) =>
    addresses.some((one) => addressOf(one.address)?.value === wanted),
  )?.[0];
  // Every address of this range is one of each computer's, though its devices name only one.
  const device = address.startsWith("127.") ? "lo" : name;
  if (device === undefined) return undefined;
  const text = readFileSync(`/sys/class/net/${device}/mtu`, "utf8");
  return Number(text);
}
