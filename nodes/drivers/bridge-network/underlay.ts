/** What a host of the driver `bridge` carries, with and without other hosts. */
import type { NetworkFacts } from "../../../actors/ports/network.ts";
import { factsOf } from "../user-network/underlay-facts.ts";
import { bridgeNetworkLimits } from "./limits.ts";

/** @throws StatusError hypervisorRefused when the computer has no such address, or too small a device */
export function carriedBy(underlay: string | undefined, mtuOf?: Parameters<typeof factsOf>[1]): NetworkFacts {
  const facts = factsOf(underlay, mtuOf);
  const mtuBytesMax = Math.min(facts.mtuBytesMax, bridgeNetworkLimits.tapMtuBytesMax);
  return { ...facts, kind: "bridge", mtuBytesMax };
}
