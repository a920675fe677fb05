/**
 * Packets in fragments: the first fragment is judged, and the later ones follow it. A later fragment that
 * comes before the first is dropped, because it has no ports to be judged by. Time is handed in.
 */
import type { IpPacket } from "../frames/ip.ts";
import { switchLimits } from "../limits.ts";
import type { Ends } from "./connections.ts";

const { fragmentsPerPortMax, fragmentIdleMs } = switchLimits;

export class Fragments {
  /** By sending port: when the first fragment passed, the oldest first. */
  readonly #passed = new Map<string, Map<string, number>>();

  /** The first fragment has passed. */
  pass(ends: Ends, packet: IpPacket, nowMs: number): void {
    const own = this.#passed.get(ends.from) ?? new Map<string, number>();
    this.#passed.set(ends.from, own);
    const key = keyOf(ends, packet);
    own.delete(key);
    own.set(key, nowMs);
    const [oldest] = own.keys();
    if (own.size > fragmentsPerPortMax && oldest !== undefined) own.delete(oldest);
  }

  follows(ends: Ends, packet: IpPacket, nowMs: number): boolean {
    const passedAtMs = this.#passed.get(ends.from)?.get(keyOf(ends, packet));
    return passedAtMs !== undefined && nowMs - passedAtMs < fragmentIdleMs;
  }

  /** What was passed by earlier rules is not passed on. */
  forget(): void {
    this.#passed.clear();
  }
}

const keyOf = ({ network, to }: Ends, { source, destination, protocol, fragment }: IpPacket): string =>
  `${network}/${to}/${source}${destination}/${protocol}/${fragment?.id}`;
