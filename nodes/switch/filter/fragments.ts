/**
 * Packets in fragments: the first fragment is judged, and the later ones follow it. A later fragment that
 * comes before the first is dropped, because it has no ports to be judged by. Time is handed in.
 */
import type { IpPacket } from "../frames/ip.ts";
import { switchLimits } from "../limits.ts";
import type { Ends } from "./connections.ts";

const { fragmentsPerPortMax, fragmentIdleMs } = switchLimits;

export class Fragments {
  /** By sending port: to which port the first fragment passed, and when, the oldest first. */
  readonly #passed = new Map<string, Map<string, { readonly to: string; readonly atMs: number }>>();

  /** The first fragment has passed. */
  pass(ends: Ends, packet: IpPacket, nowMs: number): void {
    const own = this.#passed.get(ends.from) ?? new Map();
    this.#passed.set(ends.from, own);
    const key = keyOf(ends, packet);
    own.delete(key);
    own.set(key, { to: ends.to, atMs: nowMs });
    const [oldest] = own.keys();
    if (own.size > fragmentsPerPortMax && oldest !== undefined) own.delete(oldest);
  }

  follows(ends: Ends, packet: IpPacket, nowMs: number): boolean {
    const passed = this.#passed.get(ends.from)?.get(keyOf(ends, packet));
    return passed !== undefined && nowMs - passed.atMs < fragmentIdleMs;
  }

  /** What was passed by rules that have changed is not passed on. */
  forget(isForgotten: (ends: Pick<Ends, "from" | "to">) => boolean): void {
    for (const [from, own] of this.#passed) {
      for (const [key, { to }] of own) if (isForgotten({ from, to })) own.delete(key);
      if (own.size === 0) this.#passed.delete(from);
    }
  }
}

const keyOf = ({ network, to }: Ends, { source, destination, protocol, fragment }: IpPacket): string =>
  `${network}/${to}/${source}${destination}/${protocol}/${fragment?.id}`;
