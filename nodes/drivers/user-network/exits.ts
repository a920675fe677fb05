/**
 * The ways outside that a host's pictures want of it: a process for each router that leads to a network of
 * the operator's which this node names. It calls outside in its own name (slirp, in QEMU), so that guests are
 * seen with an address of the computer. Each router has its own: guests of one project use up nobody else's,
 * and may have the same addresses. Pure.
 */
import { createHash } from "node:crypto";
import type { HostNetworking } from "../../../protocol/networking.ts";
import { exitNet } from "../../switch/routing/exit.ts";
import type { SwitchExit } from "../../switch/state.ts";
import { userNetworkLimits } from "./limits.ts";

export type Exit = Pick<SwitchExit, "id" | "node" | "routerId">;

/** An exit of another version is replaced: slirp keeps the options of its start for life. */
const exitVersion = 1;

/** `outside`: what the operator calls the networks to which this node leads. */
export function exitsOf(
  networking: HostNetworking | null,
  { hostId, outside }: { readonly hostId: string; readonly outside: readonly string[] },
): readonly Exit[] {
  const led = (networking?.routers ?? []).filter(
    ({ outside: to }) => to?.snat === true && outside.includes(to.physicalNetwork),
  );
  return led.map(({ id: routerId }) => {
    const told = `exit ${hostId} ${routerId} ${exitVersion}`;
    return { id: createHash("sha256").update(told).digest("hex").slice(0, 32), node: hostId, routerId };
  });
}

const { net, host, dns, dhcp } = exitNet;

/** QEMU's options for slirp: its own services lie where the switch leads nobody. */
export const exitOptions = `net=${net},host=${host},dns=${dns},dhcpstart=${dhcp},ipv6=off`;

/** The command before QEMU's own: slirp may have so many files open, one for each connection. */
export const exitBounds: readonly string[] = [
  "prlimit",
  `--nofile=${userNetworkLimits.exitFilesMax}:${userNetworkLimits.exitFilesMax}`,
];
