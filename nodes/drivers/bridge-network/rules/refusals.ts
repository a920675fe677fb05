/**
 * Ports whose rules the kernel has refused: what these were made of, and when they are worth another try. One
 * that stays refused is tried after ever longer pauses, so that a bad port costs its host little; one that
 * the picture has otherwise than then is tried at once.
 */
import { createHash } from "node:crypto";
import type { GroupPicture, NetworkPicture } from "../../../../protocol/networking.ts";
import type { FilterState } from "../filter.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { kept } from "./kept.ts";
import { ruledPorts } from "./ruled-ports.ts";

/** By id of the port, with what the kernel says. */
export type Refused = ReadonlyMap<string, string>;
export const nobody: Refused = new Map();

interface Refusal {
  readonly said: string;
  /** Digest of all that the port's rules were made of. */
  readonly of: string | undefined;
  readonly pauseMs: number;
  readonly dueAtMs: number;
}

export class Refusals {
  #refusals: ReadonlyMap<string, Refusal> = new Map();

  /** Those of before that are still in the state: which of them wait, and which are worth a try now. */
  split(state: FilterState, nowMs: number): { readonly waiting: Refused; readonly due: ReadonlySet<string> } {
    const sources = sourcesOf(state, this.#refusals);
    const known = [...this.#refusals].filter(([id]) => sources.has(id));
    const waits = ([id, one]: readonly [string, Refusal]) =>
      one.of === sources.get(id) && nowMs < one.dueAtMs;
    return {
      waiting: new Map(known.filter(waits).map(([id, { said }]) => [id, said])),
      due: new Set(known.filter((one) => !waits(one)).map(([id]) => id)),
    };
  }

  /** `refused`: every port that is refused from here on. Ports that waited keep their pauses. */
  remember(refused: Refused, waiting: Refused, state: FilterState, nowMs: number): void {
    const { refusedRetryMsMin, refusedRetryMsMax } = bridgeNetworkLimits;
    const sources = sourcesOf(state, refused);
    const next = new Map<string, Refusal>();
    for (const [id, said] of refused) {
      const [before, of] = [this.#refusals.get(id), sources.get(id)];
      const isSame = before?.of === of;
      const pauseMs = isSame && before ? Math.min(2 * before.pauseMs, refusedRetryMsMax) : refusedRetryMsMin;
      const isWaiting = before !== undefined && waiting.has(id);
      next.set(id, isWaiting ? before : { said, of, pauseMs, dueAtMs: nowMs + pauseMs });
    }
    this.#refusals = next;
  }

  get all(): Refused {
    if (this.#refusals.size === 0) return nobody;
    return new Map([...this.#refusals].map(([id, { said }]) => [id, said]));
  }
}

/** By port. A change of anything else makes the rules of none of them right. */
function sourcesOf(
  state: FilterState,
  of: { readonly size: number; has(portId: string): boolean },
): ReadonlyMap<string, string> {
  if (of.size === 0) return new Map();
  const groups = new Map((state.networking?.groups ?? []).map((group) => [group.id, group]));
  return new Map(
    ruledPorts(state).flatMap(({ plug, port, network }) => {
      if (!of.has(port.id)) return [];
      const own = port.groupIds.flatMap((id) => groups.get(id) ?? []);
      const named = own.flatMap(({ rules }) => rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []));
      const others = [...new Set(named)].flatMap((id) => groups.get(id) ?? []);
      const digests = [networkDigest(network), ...[...own, ...others].map(groupDigest)];
      return [[port.id, digestOf([plug, port, ...digests])] as const];
    }),
  );
}

const digestOf = (what: unknown): string =>
  createHash("sha256").update(JSON.stringify(what)).digest("base64");

/** A group may have many members, and many ports. */
const groupDigest = kept((group: GroupPicture) => digestOf(group));
const networkDigest = kept(({ ports: _others, ...network }: NetworkPicture) => digestOf(network));
