/**
 * The ports of a host whose rules the kernel does not take, told apart from all others by trying rules of
 * some ports in a namespace where nothing is. It changes nothing of the fabric.
 */
import type { FilterState } from "../filter.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { refusedParts } from "../refused-parts.ts";
import { compile } from "./compile.ts";
import type { Scratch } from "./kernel-rules.ts";
import type { Ledger } from "./ledger.ts";
import { firstWords, load, RulesNotTaken } from "./nft.ts";
import type { Refused } from "./refusals.ts";
import { ruledPorts } from "./ruled-ports.ts";
import { wholeText } from "./text.ts";

/** The state as if these ports had not been plugged in. */
export const without = (state: FilterState, refused: Refused): FilterState =>
  refused.size === 0 ? state : { ...state, ports: state.ports.filter(({ portId }) => !refused.has(portId)) };

/** The state as if no others had been plugged in. */
export const only = (state: FilterState, portIds: ReadonlySet<string>): FilterState => ({
  ...state,
  ports: state.ports.filter(({ portId }) => portIds.has(portId)),
});

/** @throws Error when no namespace can be made */
export async function refusedPorts(
  state: FilterState,
  ledger: Ledger,
  makeOne: () => Promise<Scratch>,
): Promise<Refused> {
  const byId = new Map(state.ports.map((port) => [port.portId, port]));
  const ids = ruledPorts(state)
    .toSorted(byCause)
    .map(({ port }) => port.id);
  const scratch = await makeOne();
  const trial = async (some: readonly string[]) => {
    const ports = some.flatMap((id) => byId.get(id) ?? []);
    try {
      await load(scratch, wholeText(compile({ ...state, ports }, ledger)));
      return undefined;
    } catch (error) {
      if (error instanceof RulesNotTaken) return firstWords(error.detail) ?? error.message;
      throw error;
    }
  };
  try {
    return await refusedParts(ids, trial, bridgeNetworkLimits.trialsMax);
  } finally {
    await scratch.close();
  }
}

type Ruled = ReturnType<typeof ruledPorts>[number];

/** Ports of one network and of the same groups are refused together. */
function byCause(one: Ruled, other: Ruled): number {
  const [first, second] = [one, other].map(({ network, port }) => `${network.id} ${port.groupIds.join()}`);
  return first === second ? 0 : (first ?? "") < (second ?? "") ? -1 : 1;
}
