/**
 * The requests under way at a server, shared among those who ask: so many are worked on at once, a limited
 * number of each sender, and the next wait in a queue for each sender, which are served in turn. Requests
 * that only wait count apart. A reserve is for the operators alone.
 *
 * Pure but for the clock. It knows names and numbers, nothing of the requests themselves.
 */
import { admissionLimits } from "../limits/admission.ts";
import { deadlinePast, tooManyRequests } from "./admission.ts";
import { StatusError } from "./status.ts";
import { adminProject } from "./subjects.ts";
import type { Clock, Timer } from "./transport.ts";

export interface ShareLimits {
  /** Requests worked on at once, of all names but the reserved one. */
  readonly atWorkMax: number;
  readonly atWorkPerNameMax: number;
  /** Of one name while another one asks too. */
  readonly besideOthersMax: number;
  /** Requests worked on beside these when their name is `admin`. */
  readonly reserveMax: number;
  readonly queuedMax: number;
  readonly queuedPerNameMax: number;
}

export const commandShares: ShareLimits = {
  atWorkMax: admissionLimits.requestsAtWorkMax,
  atWorkPerNameMax: admissionLimits.requestsAtWorkPerProjectMax,
  besideOthersMax: admissionLimits.requestsAtWorkBesideOthersMax,
  reserveMax: admissionLimits.requestsAtWorkReserveMax,
  queuedMax: admissionLimits.requestsQueuedMax,
  queuedPerNameMax: admissionLimits.requestsQueuedPerProjectMax,
};

/** Hosts and controllers among themselves: nothing queues, since whoever is refused asks again anyway. */
const peerShares = (atWorkPerNameMax: number): ShareLimits => ({
  atWorkMax: admissionLimits.peerRequestsAtWorkMax,
  atWorkPerNameMax,
  besideOthersMax: atWorkPerNameMax,
  reserveMax: 0,
  queuedMax: 0,
  queuedPerNameMax: 0,
});
export const reportShares = peerShares(admissionLimits.hostRequestsAtWorkMax);
/** Long polls for consoles can take none of the places of what keeps guests alive: each kind has its own. */
export const hostShares: ShareLimits = {
  ...peerShares(admissionLimits.peerRequestsAtWorkMax),
  atWorkMax: 2 * admissionLimits.peerRequestsAtWorkMax,
};

/** The place of one request among those under way. */
export interface Place {
  /** The request only waits from now on: its place at work is the next one's. Idempotent. */
  rest(): void;
  /** The request's work, which may go on when its caller is answered already: the place is kept as long. */
  holdFor(work: Promise<unknown>): void;
  /** The request is answered. Idempotent. */
  leave(): void;
}

export interface Entering {
  readonly bytes: number;
  /** In ms: when the request's turn has not come by then, it ends. */
  readonly leftMs: number;
}

interface Queued {
  readonly bytes: number;
  readonly deadline: Timer;
  start(): void;
  fail(error: StatusError): void;
}

interface Share {
  atWork: number;
  waits: number;
  askedAtMs: number;
  queuedBytes: number;
  readonly queued: Queued[];
}

export class Shares {
  readonly #limits: ShareLimits;
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  /** Projects (or hosts) with requests under way, and projects that sent a request a moment ago. */
  readonly #shares = new Map<string, Share>();
  /** Names with a queue, the next in turn first. */
  readonly #line = new Set<string>();
  #atWork = 0;
  #queued = 0;
  #queuedBytes = 0;
  #waits = 0;
  #sweptAtMs = 0;
  /** The last two different projects that asked, the newest first. */
  #newest = { name: "", atMs: Number.NEGATIVE_INFINITY };
  #before = { name: "", atMs: Number.NEGATIVE_INFINITY };

  constructor(limits: ShareLimits, clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Number of requests that are worked on, wait for their turn, or only wait. */
  get underWay(): number {
    return this.#atWork + this.#queued + this.#waits;
  }

  /** Number of projects or hosts in memory. */
  get remembered(): number {
    return this.#shares.size;
  }

  /** Whether a request of this size would be worked on at once, or could queue. */
  hasRoom(name: string, bytes: number): boolean {
    const share = this.#shares.get(name);
    if ((share === undefined || share.queued.length === 0) && this.#mayWork(name, share)) return true;
    const { queued = [], queuedBytes = 0 } = share ?? {};
    if (queued.length >= this.#limits.queuedPerNameMax) return false;
    if (queuedBytes > 0 && queuedBytes + bytes > admissionLimits.bytesQueuedPerProjectMax) return false;
    return !this.#queueIsFull(bytes) || this.#longest(name, queued.length + 1) !== undefined;
  }

  /**
   * Takes a place: at once, or when the request's turn comes. Ask `hasRoom` first.
   * @throws RESOURCE_EXHAUSTED tooManyRequests when another sender's request, with fewer before it, took the
   * place in the queue; DEADLINE_EXCEEDED deadlinePast when its turn did not come in time
   */
  enter(name: string, { bytes, leftMs }: Entering): Place | Promise<Place> {
    this.#asks(name);
    const share = this.#shareOf(name);
    if (share.queued.length === 0 && this.#mayWork(name, share)) return this.#begin(share);
    while (this.#queueIsFull(bytes) && this.#makeRoom(name, share.queued.length + 1));
    return new Promise((resolve, reject) => {
      const start = () => resolve(this.#begin(share));
      const deadline = this.#clock.after(leftMs, () => this.#giveUp(share, one));
      const one: Queued = { bytes, deadline, start, fail: reject };
      share.queued.push(one);
      this.#count(share, bytes, 1);
      this.#line.add(name);
    });
  }

  #giveUp(share: Share, one: Queued): void {
    share.queued.splice(share.queued.indexOf(one), 1);
    this.#count(share, one.bytes, -1);
    one.fail(deadlinePast());
  }

  /**
   * Takes a place among the requests that only wait; returns what gives it back.
   * @throws RESOURCE_EXHAUSTED tooManyWaits
   */
  wait(name: string): () => void {
    const share = this.#shareOf(name);
    const { waitsMax, waitsPerProjectMax, waitsReserveMax } = admissionLimits;
    const reserved = this.#shares.get(adminProject)?.waits ?? 0;
    const ofProjects = this.#waits - Math.min(reserved, waitsReserveMax);
    const room = name === adminProject && reserved < waitsReserveMax;
    if (share.waits >= waitsPerProjectMax || (!room && ofProjects >= waitsMax - waitsReserveMax)) {
      throw new StatusError("tooManyWaits", "So many requests that wait are more than a project's share.", {
        retryAfterMs: admissionLimits.waitRetryAfterMs,
      });
    }
    share.waits += 1;
    this.#waits += 1;
    return once(() => {
      share.waits -= 1;
      this.#waits -= 1;
    });
  }

  /** Fails the requests whose turn has not come. */
  failQueued(error: StatusError): void {
    for (const share of this.#shares.values()) {
      for (const one of share.queued.splice(0)) {
        one.deadline.cancel();
        this.#count(share, one.bytes, -1);
        one.fail(error);
      }
    }
    this.#line.clear();
  }

  #begin(share: Share): Place {
    share.atWork += 1;
    this.#atWork += 1;
    const rest = once(() => {
      share.atWork -= 1;
      this.#atWork -= 1;
      this.#next();
    });
    let work: Promise<unknown> | undefined;
    const holdFor = (given: Promise<unknown>) => {
      work = given;
    };
    const leave = () => (work === undefined ? rest() : void work.then(rest, rest));
    return { rest, holdFor, leave };
  }

  /** A place is free: whose turn it is begins one, and comes last when it has more. */
  #next(): void {
    for (const name of [...this.#line]) {
      const share = this.#shareOf(name);
      if (!this.#mayWork(name, share)) continue;
      const one = share.queued.shift();
      this.#line.delete(name);
      if (one === undefined) continue;
      one.deadline.cancel();
      this.#count(share, one.bytes, -1);
      if (share.queued.length > 0) this.#line.add(name);
      one.start();
    }
  }

  #mayWork(name: string, share: Share | undefined): boolean {
    const { atWorkMax, atWorkPerNameMax, besideOthersMax, reserveMax } = this.#limits;
    const own = share?.atWork ?? 0;
    const reserved = name === adminProject ? own : (this.#shares.get(adminProject)?.atWork ?? 0);
    if (name === adminProject && reserved < reserveMax) return true;
    if (this.#atWork - Math.min(reserved, reserveMax) >= atWorkMax) return false;
    return own < (this.#othersAsk(name) ? besideOthersMax : atWorkPerNameMax);
  }

  #queueIsFull(bytes: number): boolean {
    return (
      this.#queued >= this.#limits.queuedMax || this.#queuedBytes + bytes > admissionLimits.bytesQueuedMax
    );
  }

  /** The name with the longest queue, when that is longer than this. */
  #longest(but: string, length: number): string | undefined {
    let found: string | undefined;
    let longest = length;
    for (const name of this.#line) {
      const own = this.#shares.get(name)?.queued.length ?? 0;
      if (name !== but && own > longest) [found, longest] = [name, own];
    }
    return found;
  }

  /**
   * The newest request of the longest queue gives its place to a sender that has fewer. False: nobody has
   * more.
   */
  #makeRoom(name: string, length: number): boolean {
    const longest = this.#longest(name, length);
    const share = longest === undefined ? undefined : this.#shares.get(longest);
    const one = share?.queued.pop();
    if (share === undefined || one === undefined) return false;
    one.deadline.cancel();
    this.#count(share, one.bytes, -1);
    one.fail(tooManyRequests());
    return true;
  }

  #count(share: Share, bytes: number, sign: 1 | -1): void {
    share.queuedBytes += sign * bytes;
    this.#queuedBytes += sign * bytes;
    this.#queued += sign;
  }

  #shareOf(name: string): Share {
    let share = this.#shares.get(name);
    if (share === undefined) {
      share = { atWork: 0, waits: 0, askedAtMs: 0, queuedBytes: 0, queued: [] };
      this.#shares.set(name, share);
    }
    return share;
  }

  #asks(name: string): void {
    const atMs = this.#clock.monotonicMs();
    this.#sweep(atMs);
    this.#shareOf(name).askedAtMs = atMs;
    // Operators work in their reserve, so an operator's request slows no project down.
    if (name === adminProject) return;
    if (name !== this.#newest.name) this.#before = this.#newest;
    this.#newest = { name, atMs };
  }

  #othersAsk(name: string): boolean {
    const { atMs } = name === this.#newest.name ? this.#before : this.#newest;
    return this.#clock.monotonicMs() - atMs < admissionLimits.asksForMs;
  }

  /** Forgets who has nothing here and has not asked for a while. */
  #sweep(atMs: number): void {
    if (atMs - this.#sweptAtMs < admissionLimits.asksForMs) return;
    this.#sweptAtMs = atMs;
    for (const [name, { atWork, waits, queued, askedAtMs }] of this.#shares) {
      const idle = atWork === 0 && waits === 0 && queued.length === 0;
      if (idle && atMs - askedAtMs >= admissionLimits.asksForMs) this.#shares.delete(name);
    }
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
