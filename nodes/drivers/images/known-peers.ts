/**
 * What a host has seen of those that gave it images: how many bytes came from hosts and from controllers,
 * and which hosts gave which image badly, so that they are not asked for it again for a while. In memory,
 * and bounded: a host that is forgotten costs one more try.
 */
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { imageLimits } from "./limits.ts";
import type { ImageOrigin, OriginFault } from "./whole.ts";

export class KnownPeers {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #log: Pick<Log, "warn">;
  /** By host and checksum: until when the host is not asked for it. */
  readonly #shunned = new Map<
    string,
    { readonly hostId: string; readonly sha256: string; untilMs: number }
  >();
  fromPeersBytes = 0;
  fromControllersBytes = 0;
  /** Images that came from one server with other bytes. */
  lies = 0;

  constructor({
    clock,
    log,
  }: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Pick<Log, "warn"> }) {
    this.#clock = clock;
    this.#log = log;
  }

  came({ hostId }: ImageOrigin, bytes: number): void {
    if (hostId === undefined) this.fromControllersBytes += bytes;
    else this.fromPeersBytes += bytes;
  }

  noted({ hostId, url }: ImageOrigin, fault: OriginFault, sha256: string): void {
    if (fault === "busy") return;
    if (fault === "lied") {
      this.lies += 1;
      const by = hostId === undefined ? { url } : { peer: hostId };
      this.#log.warn({ sha256, ...by }, "an image came with other bytes than its own, and comes anew");
    }
    if (hostId === undefined) return;
    const { peerLiedMs, peerFailedMs, peersRememberedMax } = imageLimits;
    const untilMs = this.#clock.monotonicMs() + (fault === "lied" ? peerLiedMs : peerFailedMs);
    const key = `${hostId} ${sha256}`;
    if (untilMs <= (this.#shunned.get(key)?.untilMs ?? 0)) return;
    this.#shunned.delete(key);
    this.#shunned.set(key, { hostId, sha256, untilMs });
    const [oldest] = this.#shunned.size > peersRememberedMax ? this.#shunned.keys() : [];
    if (oldest !== undefined) this.#shunned.delete(oldest);
  }

  /** The hosts that are not to be asked for the image, those that gave it badly last before the others. */
  notFrom(sha256: string): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { untilMs }] of this.#shunned) if (untilMs <= nowMs) this.#shunned.delete(key);
    const found = [...this.#shunned.values()].filter((one) => one.sha256 === sha256);
    return found.map(({ hostId }) => hostId).toReversed();
  }
}
