/**
 * The bus between simulated processes: NATS as it is when things go wrong. Messages are lost, doubled, late
 * and out of order; a process may be cut off (it notices after a while), one direction between two may be
 * dead (nobody notices), and the server itself may be away.
 */
import { errorMessage } from "../../protocol/wire/headers.ts";
import { deploymentOf } from "../../protocol/wire/ids.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, BusDoor, BusHandler, BusMessage, BusSubscription } from "../../protocol/wire/transport.ts";
import { answersIn, atTheDoor, copyMessage, subjectMatches } from "../support/memory-bus.ts";
import type { Interposer } from "./interposer.ts";
import { type Kernel, nobody } from "./kernel.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Part, Versions } from "./versions.ts";

export interface NetworkRates {
  latencyMs: number;
  lost: number;
  doubled: number;
  late: number;
  /** How late, on average. */
  lateMs: number;
}

interface Member {
  readonly process: SimulatedProcess;
  readonly pattern: readonly string[];
  readonly queue: string | undefined;
  readonly handler: BusHandler;
  readonly door: BusDoor | undefined;
  readonly running: Set<Promise<unknown>>;
}

interface Station {
  connected: boolean;
  readonly listeners: ((connected: boolean) => void)[];
  readonly pending: Set<(error: StatusError) => void>;
}

/** How long a client takes to notice that its connection is dead, and to have it back. */
const noticeMsMax = 5_000;
const reconnectMs = 250;

export interface NetworkOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly rates: NetworkRates;
  readonly interposer: Interposer;
  readonly versions: Versions;
  readonly sent: (from: string, subject: string, bytes: number) => void;
}

export class Network {
  readonly rates: NetworkRates;
  readonly #options: NetworkOptions;
  readonly #members = new Set<Member>();
  /** The connections, with their processes: a controller has two. */
  readonly #stations = new Map<Station, SimulatedProcess>();
  /** Names of processes cut off from the bus. */
  readonly #isolated = new Set<string>();
  /** `from>to`: nothing comes through. */
  readonly #dead = new Set<string>();
  #up = true;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.rates = options.rates;
  }

  /** The server goes away: everybody notices at once. It comes back empty; subscriptions are made anew. */
  serverDown(): void {
    this.#up = false;
    for (const [station, process] of this.#stations) this.#disconnect(process, station, 0);
  }

  serverUp(): void {
    this.#up = true;
    for (const [station, process] of this.#stations) this.#reconnect(process, station);
  }

  isolate(name: string): void {
    this.#isolated.add(name);
    for (const [station, process] of this.#stations)
      if (process.name === name)
        this.#disconnect(process, station, this.#options.random.between(0, noticeMsMax));
  }

  /** One way: what `from` says does not reach `to`. */
  cut(from: string, to: string): void {
    this.#dead.add(`${from}>${to}`);
  }

  heal(): void {
    this.#dead.clear();
    this.#isolated.clear();
    if (!this.#up) this.serverUp();
    else for (const [station, process] of this.#stations) this.#reconnect(process, station);
  }

  healLink(from: string, to: string): void {
    this.#dead.delete(`${from}>${to}`);
  }

  rejoin(name: string): void {
    this.#isolated.delete(name);
    for (const [station, process] of this.#stations)
      if (process.name === name) this.#reconnect(process, station);
  }

  #disconnect(process: SimulatedProcess, station: Station, afterMs: number): void {
    this.#options.kernel.after(process, afterMs, "the bus is lost", () => {
      if (!station.connected || this.#reaches(process)) return;
      station.connected = false;
      for (const fail of [...station.pending])
        fail(new StatusError("timeout", "The bus was lost before the answer came."));
      for (const tell of station.listeners) tell(false);
    });
  }

  #reconnect(process: SimulatedProcess, station: Station): void {
    this.#options.kernel.after(process, reconnectMs, "the bus is back", () => {
      if (station.connected || !this.#reaches(process)) return;
      station.connected = true;
      for (const tell of station.listeners) tell(true);
    });
  }

  #reaches(process: SimulatedProcess): boolean {
    return this.#up && !this.#isolated.has(process.name);
  }

  /** One end of it. */
  connect(process: SimulatedProcess): Bus & { onConnected(listener: (connected: boolean) => void): void } {
    const station: Station = { connected: this.#reaches(process), listeners: [], pending: new Set() };
    this.#stations.set(station, process);
    process.onDeath(() => {
      this.#stations.delete(station);
      for (const member of this.#members) if (member.process === process) this.#members.delete(member);
    });
    if (!station.connected) this.#reconnect(process, station);
    return {
      request: (subject, message, timeoutMs, signal) =>
        this.#request({ process, station, subject, message, timeoutMs, signal }),
      publish: (subject, message) => {
        if (!process.alive || !station.connected) return;
        this.#send(process, subject, message, () => undefined);
      },
      serve: (pattern, queue, handler, door) =>
        this.#serve(process, { pattern: pattern.split("."), queue, handler, door }),
      onConnected: (listener) => station.listeners.push(listener),
    };
  }

  #serve(process: SimulatedProcess, served: Omit<Member, "process" | "running">): BusSubscription {
    const member: Member = { process, ...served, running: new Set() };
    if (process.alive) this.#members.add(member);
    return {
      drain: async () => {
        this.#members.delete(member);
        await Promise.allSettled(member.running);
      },
    };
  }

  #request({ process, station, subject, message, timeoutMs, signal }: Asking): Promise<BusMessage> {
    const { kernel } = this.#options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (!process.alive) return new Promise(() => undefined);
    if (!station.connected)
      return Promise.reject(new StatusError("notConnected", "There is no connection to the NATS server."));
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        timer.run = undefined;
        station.pending.delete(fail);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(signal?.reason));
      const fail = (error: StatusError) => end(() => reject(error));
      const timer = kernel.after(process, timeoutMs, "", () =>
        fail(new StatusError("timeout", `Nobody answered within ${timeoutMs} ms.`)),
      );
      station.pending.add(fail);
      signal?.addEventListener("abort", onAbort, { once: true });
      const outcome = (answer: BusMessage | StatusError) =>
        answer instanceof StatusError ? fail(answer) : end(() => resolve(answer));
      this.#send(process, subject, message, outcome);
    });
  }

  /** On its way: perhaps twice, perhaps never. */
  #send(from: SimulatedProcess, subject: string, asked: BusMessage, answer: Answer): void {
    const message = this.#options.versions.said(from.version, subject, "request", asked);
    // Nobody promises how much, or how large, somebody hostile sends.
    if (from.burden === undefined) this.#options.sent(from.name, subject, message.body.length);
    const label = this.#options.kernel.trace.isRead ? `→ ${subject}` : subject;
    this.#carry(from, `request ${methodOf(subject)}`, (lateMs) => {
      this.#options.kernel.after(nobody, lateMs, label, () => this.#route(from, subject, message, answer));
    });
  }

  /** Draws what becomes of one message; `deliver` is called for each copy that arrives. */
  #carry(from: SimulatedProcess, what: string, deliver: (afterMs: number) => void): void {
    const { random, interposer } = this.#options;
    const { rates } = this;
    const fate = interposer.message(from, what);
    const delayMs = () =>
      random.latencyMs(rates.latencyMs) + (random.chance(rates.late) ? random.latencyMs(rates.lateMs) : 0);
    if (fate.lost || random.chance(rates.lost)) return;
    deliver(delayMs() + fate.delayMs);
    if (fate.doubled || random.chance(rates.doubled))
      deliver(delayMs() + rates.latencyMs + (fate.copyMs ?? 0));
  }

  #route(from: SimulatedProcess, subject: string, message: BusMessage, answer: Answer): void {
    if (!this.#up || this.#isolated.has(from.name)) return;
    const tokens = subject.split(".");
    const matching = [...this.#members].filter(({ pattern }) => subjectMatches(pattern, tokens));
    if (matching.length === 0) {
      this.#options.kernel.after(from, this.rates.latencyMs, "", () =>
        answer(new StatusError("noResponders", "Nobody listens to the subject.")),
      );
      return;
    }
    for (const member of this.#oneOfEachQueue(matching))
      this.#deliver(from, member, { subject, message, answer });
  }

  #oneOfEachQueue(matching: readonly Member[]): readonly Member[] {
    const chosen = matching.filter(({ queue }) => queue === undefined);
    const queues = new Set(matching.flatMap(({ queue }) => queue ?? []));
    for (const name of queues) {
      // The server sends to nobody whose connection it has given up.
      const inQueue = matching.filter(
        ({ queue, process }) => queue === name && !this.#isolated.has(process.name),
      );
      const one = this.#options.random.pick(inQueue);
      if (one !== undefined) chosen.push(one);
    }
    return chosen;
  }

  #deliver(from: SimulatedProcess, member: Member, { subject, message, answer }: Delivery): void {
    const { process: to, handler, running } = member;
    if (this.#isolated.has(to.name) || this.#dead.has(`${from.name}>${to.name}`)) return;
    const { kernel } = this.#options;
    kernel.soon(to, kernel.trace.isRead ? `← ${subject} from ${from.name}` : "", () => {
      // What is no body of any version is for the server to read as it comes.
      const heard = from.burden === undefined ? this.#heard(to, subject, "request", message) : { message };
      const outside =
        heard.message === undefined
          ? Promise.resolve(heard.refused)
          : atTheDoor(watched(member), subject, heard.message);
      const work = outside ?? handler(subject, heard.message ?? message);
      const isServed = outside === undefined && isServer(member);
      from.burden?.(to, message, work);
      running.add(work);
      void work
        .then((said) => {
          for (const one of answersIn(said)) {
            if (one === undefined) continue;
            if (isServed) to.tally.answered(one);
            this.#answer(to, from, { subject, message: one, answer });
          }
        })
        .finally(() => running.delete(work));
    });
  }

  /** A message as the version of its receiver understands it, or as it would refuse it. */
  #heard({ version }: SimulatedProcess, subject: string, part: Part, message: BusMessage) {
    const heard = this.#options.versions.heard(version, subject, part, copyMessage(message));
    return heard instanceof StatusError ? { refused: errorMessage(heard, "json") } : { message: heard };
  }

  #answer(from: SimulatedProcess, to: SimulatedProcess, { subject, message, answer }: Delivery): void {
    const { kernel } = this.#options;
    const blocked = () =>
      !this.#up ||
      this.#isolated.has(from.name) ||
      this.#isolated.has(to.name) ||
      this.#dead.has(`${from.name}>${to.name}`);
    if (!from.alive || blocked()) return;
    const { versions } = this.#options;
    const said = versions.said(from.version, subject, "answer", message);
    this.#options.sent(from.name, `_INBOX.${subject}`, said.body.length);
    const label = kernel.trace.isRead ? `answer to ${subject} from ${from.name}${codeOf(message)}` : "";
    this.#carry(from, `answer ${methodOf(subject)}`, (lateMs) => {
      kernel.after(to, lateMs, label, () => {
        const heard = this.#heard(to, subject, "answer", said);
        if (!blocked()) answer(heard.message ?? heard.refused);
      });
    });
  }
}

interface Asking {
  readonly process: SimulatedProcess;
  readonly station: Station;
  readonly subject: string;
  readonly message: BusMessage;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

type Answer = (answer: BusMessage | StatusError) => void;

interface Delivery {
  readonly subject: string;
  readonly message: BusMessage;
  readonly answer: Answer;
}

/** Hints have no door, and discovery is answered from bytes made once: neither is a call. */
const isServer = ({ door, pattern }: Member): boolean => door !== undefined && pattern[0] !== "$SRV";

/** The member, with a door that is counted if it is a server's. */
const watched = (member: Member): Pick<Member, "door"> =>
  member.door !== undefined && isServer(member) ? { door: member.process.tally.atDoor(member.door) } : member;

const methodOf = (subject: string): string =>
  subject
    .split(".")
    .slice(3)
    .filter((token) => deploymentOf(token) === undefined)
    .join(".");

const codeOf = ({ headers }: BusMessage): string => {
  const error = headers["Nats-Service-Error"];
  return error === undefined ? "" : ` (${error})`;
};
