/**
 * Connections that the rules have stopped to allow, or of which a port has left. They are
 * remembered because the one who was called goes on with what it has to say, as it may to anybody, and would
 * seem to begin a connection of its own, to which the other could then answer: each packet that is refused
 * for this reason makes the time longer. Time is handed in.
 */
import { type Carried, type Flow, reversed } from "../frames/flow.ts";
import { switchLimits } from "../limits.ts";
import { type Connection, Connections, type Ends } from "./connections.ts";

export type Begun = Pick<Connection, "network" | "from" | "to" | "carried">;

const { revokedMax } = switchLimits;

export class Revoked {
  /**
   * Each is turned round, and so is counted at the port that was called. A caller that has many connections
   * to ports of its own revoked does not push out those to other ports.
   */
  readonly #turned = new Connections({ connectionsPerPortMax: revokedMax, connectionsMax: revokedMax });

  get count(): number {
    return this.#turned.count;
  }

  get changes(): number {
    return this.#turned.answeredChanges;
  }

  add(connection: Begun, nowMs: number): void {
    const { carried, ...ends } = turnedRound(connection);
    this.#turned.begin(ends, carried, nowMs, "answered");
  }

  /** Whether a packet is of one, in either direction; that one is remembered for its whole time again. */
  refuses(ends: Ends, flow: Flow, nowMs: number): boolean {
    const found = this.#turned.find(ends, flow, nowMs);
    if (found !== undefined) this.#turned.goOn(found.connection, "answered", nowMs);
    return found !== undefined;
  }

  /** The same of the one who was called alone: the other one may begin it again, as the rules have it. */
  refusesCalled(ends: Ends, flow: Flow, nowMs: number): boolean {
    return this.#turned.find(ends, flow, nowMs)?.back === false && this.refuses(ends, flow, nowMs);
  }

  /** Another connection has its place. */
  forget(network: number, { flow }: Carried): void {
    this.#turned.end(network, flow);
  }

  /** Takes out those that are allowed again, if their time is not over. */
  take(isAllowed: (connection: Begun) => boolean, nowMs: number): readonly Begun[] {
    this.sweep(nowMs);
    const taken = this.all().filter(isAllowed);
    for (const { network, carried } of taken) this.forget(network, carried);
    return taken;
  }

  all(): readonly Begun[] {
    return [...this.#turned.all()].map(turnedRound);
  }

  sweep(nowMs: number): void {
    this.#turned.sweep(nowMs);
  }
}

/** As if the other end had begun it. */
export const turnedRound = ({ network, from, to, carried }: Begun): Begun => ({
  ...{ network, from: to, to: from, carried: { ...carried, flow: reversed(carried.flow) } },
});
