/** Faults of a host's network in the lines of `novact host show`: the first, and the number of the others. */
import type { HostNetworkState, NetworkFailure } from "../../../protocol/networking.ts";
import { commandLimits } from "../limits.ts";
import type { Fact } from "../table.ts";

const wordFor = {
  ...{ port: "port", device: "device of the port", network: "network", router: "router" },
  ...{ tunnel: "way to other hosts of the network", outside: "way to the operator's network" },
  responder: "responder's way into the network",
} as const satisfies Record<NetworkFailure["of"], string>;

export function networkFaults(network: HostNetworkState | undefined): readonly Fact[] {
  if (network === undefined) return [];
  const { failure, failed, failedCount, unanswered } = network;
  const shown = failed.slice(0, commandLimits.namedMax);
  const left = failedCount - shown.length;
  return [
    ...(failure === null ? [] : [fault(`it stays as it was: ${failure}`)]),
    ...shown.map(({ of, id, why }) => fault(`the ${wordFor[of]} ${id}: ${why}`)),
    ...(left > 0 ? [fault(`${left} more`)] : []),
    ...(unanswered === null
      ? []
      : [fault(`guests are not answered what they ask their host: ${unanswered}`)]),
  ];
}

const fault = (what: string): Fact => ["network fails", what, "red"];
