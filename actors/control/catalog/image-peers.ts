/**
 * The hosts that may give an image to another host, as they say in their heartbeats, the least busy first,
 * and behind them those that asked for it themselves a while ago: the next heartbeat may be too late for
 * hosts that all begin at once. Each is asked at that moment, since it may have evicted the image, or not
 * have it yet, or be gone. What it says is believed for nothing else: the host that gets the image checks
 * what comes. In memory, and of this controller alone.
 */
import { type ImageOffer, type ImagePeer, toldOf } from "../../../protocol/image-peer.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { catalogLimits } from "./limits.ts";

export interface ImagePeersOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Asks a host. @throws Error: it does not give the image, or does not answer in the time */
  readonly ask: (
    hostId: string,
    asked: { readonly sha256: string; readonly who: string },
    timeoutMs: number,
  ) => Promise<ImageOffer>;
}

export interface PeerAsked {
  readonly sha256: string;
  /** The host that needs it. */
  readonly hostId: string;
  /** Hosts from which the asking host wants nothing. */
  readonly notFrom: readonly string[];
}

interface Told {
  readonly peer: ImagePeer;
  readonly atMs: number;
  /** How often it was named since: those that were named have not come to it yet. */
  named: number;
}

export class ImagePeers {
  readonly #options: ImagePeersOptions;
  readonly #told = new Map<string, Told>();
  /**
   * By checksum: which hosts asked for it, and when first. The image that was asked for last is the last
   * one.
   */
  readonly #asked = new Map<string, Map<string, number>>();
  #turn = 0;

  constructor(options: ImagePeersOptions) {
    this.#options = options;
  }

  heard(hostId: string, peer: ImagePeer): void {
    this.#told.set(hostId, { peer, atMs: this.#options.clock.monotonicMs(), named: 0 });
  }

  /** A host's last words about its images; undefined: this controller has heard none lately. */
  of(hostId: string): ImagePeer | undefined {
    this.#forgetSilent();
    return this.#told.get(hostId)?.peer;
  }

  /** Whether another host gives images: only then it is worth while to wait for one with this image. */
  areThere(hostId: string): boolean {
    this.#forgetSilent();
    return [...this.#told.keys()].some((one) => one !== hostId);
  }

  /** Hosts that give the image now, each with what opens the way. Never rejects. */
  async offers(asked: PeerAsked): Promise<readonly (ImageOffer & { readonly hostId: string })[]> {
    const { ask } = this.#options;
    const { sha256, hostId: who } = asked;
    const chosen = this.#choose(asked);
    const answers = await Promise.all(
      chosen.map((hostId) =>
        ask(hostId, { sha256, who }, catalogLimits.peerAnswerMsMax).then(
          ({ url, ticket }) => [{ url, ticket, hostId }],
          () => [],
        ),
      ),
    );
    const offers = answers.flat().slice(0, catalogLimits.peersNamedMax);
    // The first is the one that will be asked.
    const first = this.#told.get(offers[0]?.hostId ?? "");
    if (first !== undefined) first.named += 1;
    return offers;
  }

  #choose({ sha256, hostId, notFrom }: PeerAsked): readonly string[] {
    this.#forgetSilent();
    const wanted = toldOf(sha256);
    const others = [...this.#told].filter(([id]) => id !== hostId && !notFrom.includes(id));
    const having = others.filter(([, { peer }]) => peer.has.includes(wanted));
    this.#turn += 1;
    // Those that are equally busy take turns.
    const start = this.#turn % Math.max(1, having.length);
    const inTurn = [...having.slice(start), ...having.slice(0, start)];
    const known = inTurn.sort(([, a], [, b]) => loadOf(a) - loadOf(b)).map(([id]) => id);
    const asked = this.#note(sha256, hostId);
    const likely = others.map(([id]) => id).filter((id) => asked.has(id) && !known.includes(id));
    // Whoever asked first is the first to have it.
    likely.sort((a, b) => (asked.get(a) ?? 0) - (asked.get(b) ?? 0));
    return [...known, ...likely].slice(0, catalogLimits.peersAskedMax);
  }

  /** Notes that the host asks for the image; answers the hosts that have asked for it lately. */
  #note(sha256: string, hostId: string): ReadonlyMap<string, number> {
    const { imageAskedKeptMs, imagesAskedMax, hostsAskingMax } = catalogLimits;
    const nowMs = this.#options.clock.monotonicMs();
    const asked = this.#asked.get(sha256) ?? new Map<string, number>();
    this.#asked.delete(sha256);
    this.#asked.set(sha256, asked);
    for (const [id, atMs] of asked) if (atMs < nowMs - imageAskedKeptMs) asked.delete(id);
    if (!asked.has(hostId) && asked.size < hostsAskingMax) asked.set(hostId, nowMs);
    const [oldest] = this.#asked.size > imagesAskedMax ? this.#asked.keys() : [];
    if (oldest !== undefined) this.#asked.delete(oldest);
    return asked;
  }

  #forgetSilent(): void {
    const sinceMs = this.#options.clock.monotonicMs() - leaseLimits.hostSilentMs;
    for (const [hostId, { atMs }] of this.#told) if (atMs < sinceMs) this.#told.delete(hostId);
  }
}

const loadOf = ({ peer, named }: Told): number => peer.sending + named;
