/**
 * The connections that were allowed: answers pass as long as theirs is here. A port can only use up its own
 * share of the table: the oldest of its own connections leaves first, and when the whole table is full, the
 * oldest of the port that has most. Time is handed in.
 */
import { type Carried, type Flow, flowKey, reversed } from "../frames/flow.ts";
import { switchLimits } from "../limits.ts";
import { idleMsOf, type Stage } from "./stages.ts";

export interface Connection {
  /** Number of its network, or of the two between which it passes (`passageNumber`). */
  readonly network: number;
  /** The first packet that was allowed. */
  readonly carried: Carried;
  /** The port that opened the connection, and the port that was called. */
  readonly from: string;
  readonly to: string;
  stage: Stage;
  seenAtMs: number;
}

export interface Ends {
  readonly network: number;
  readonly from: string;
  readonly to: string;
}

/** `back`: the packet is from who was called. */
export interface Found {
  readonly connection: Connection;
  readonly back: boolean;
}

type Limits = Pick<typeof switchLimits, "connectionsPerPortMax" | "connectionsMax">;

/** A port's oldest connection is known to this precision: else each packet would have to move its own. */
const precisionMs = 1_000;

const usual: Limits = {
  connectionsPerPortMax: switchLimits.connectionsPerPortMax,
  connectionsMax: switchLimits.connectionsMax,
};

const keyOf = (network: number, flow: Flow): string => `${network}/${flowKey(flow)}`;

export class Connections {
  readonly #limits: { readonly [name in keyof Limits]: number };
  readonly #all = new Map<string, Connection>();
  /** Of the port that opened them, the longest silent first. */
  readonly #ofPort = new Map<string, Map<string, Connection>>();
  #answeredChanges = 0;

  constructor(limits: { readonly [name in keyof Limits]: number } = usual) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all.size;
  }

  /** The living connection that a packet between these ends is of. */
  find({ network, from, to }: Ends, flow: Flow, nowMs: number): Found | undefined {
    const onward = this.#living(keyOf(network, flow), nowMs);
    if (onward?.from === from && onward.to === to) return { connection: onward, back: false };
    const back = this.#living(keyOf(network, reversed(flow)), nowMs);
    return back?.from === to && back.to === from ? { connection: back, back: true } : undefined;
  }

  /** Notes a packet that has passed. */
  goOn(connection: Connection, stage: Stage, nowMs: number): void {
    if ((connection.stage === "answered") !== (stage === "answered")) this.#answeredChanges += 1;
    connection.stage = stage;
    if (nowMs - connection.seenAtMs < precisionMs) return;
    connection.seenAtMs = nowMs;
    const key = keyOf(connection.network, connection.carried.flow);
    const own = this.#ofPort.get(connection.from);
    if (own?.delete(key) === true) own.set(key, connection);
  }

  begin({ network, from, to }: Ends, carried: Carried, nowMs: number, stage: Stage = "opening"): void {
    const key = keyOf(network, carried.flow);
    this.end(network, carried.flow);
    const own = this.#ofPort.get(from) ?? new Map<string, Connection>();
    this.#ofPort.set(from, own);
    const connection: Connection = { network, from, to, carried, stage, seenAtMs: nowMs };
    if (stage === "answered") this.#answeredChanges += 1;
    this.#all.set(key, connection);
    own.set(key, connection);
    if (own.size > this.#limits.connectionsPerPortMax) this.#removeOldest(own);
    if (this.#all.size > this.#limits.connectionsMax) this.#removeOldest(this.#largest());
  }

  all(): Iterable<Connection> {
    return this.#all.values();
  }

  /** Changes whenever other connections are answered than before. */
  get answeredChanges(): number {
    return this.#answeredChanges;
  }

  /** Removes the connection of a flow, in whatever direction the packet is. */
  end(network: number, flow: Flow): void {
    for (const key of [keyOf(network, flow), keyOf(network, reversed(flow))]) {
      const connection = this.#all.get(key);
      if (connection !== undefined) this.#remove(key, connection);
    }
  }

  /** Removes the others at once. */
  keepOnly(isKept: (connection: Connection) => boolean): void {
    for (const [key, connection] of this.#all) if (!isKept(connection)) this.#remove(key, connection);
  }

  /** Removes connections that were silent for too long. */
  sweep(nowMs: number): void {
    this.keepOnly((connection) => isLiving(connection, nowMs));
  }

  #living(key: string, nowMs: number): Connection | undefined {
    const connection = this.#all.get(key);
    return connection !== undefined && isLiving(connection, nowMs) ? connection : undefined;
  }

  #largest(): ReadonlyMap<string, Connection> {
    let largest: ReadonlyMap<string, Connection> = new Map();
    for (const own of this.#ofPort.values()) if (own.size > largest.size) largest = own;
    return largest;
  }

  #removeOldest(own: ReadonlyMap<string, Connection>): void {
    const [oldest] = own;
    if (oldest !== undefined) this.#remove(...oldest);
  }

  #remove(key: string, connection: Connection): void {
    this.#all.delete(key);
    if (connection.stage === "answered") this.#answeredChanges += 1;
    const own = this.#ofPort.get(connection.from);
    own?.delete(key);
    if (own?.size === 0) this.#ofPort.delete(connection.from);
  }
}

const isLiving = ({ carried, stage, seenAtMs }: Connection, nowMs: number): boolean =>
  nowMs - seenAtMs < idleMsOf(carried.flow.protocol, stage) + precisionMs;
