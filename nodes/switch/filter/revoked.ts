/**
 * Connections that the rules have stopped to allow. They are remembered until their time is over, because the
 * one who was called goes on with what it has to say, as it may to anybody, and would seem to begin a
 * connection of its own, to which the other could then answer. Time is handed in; no packet makes it longer.
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

  /** In either direction. */
  has(ends: Ends, flow: Flow, nowMs: number): boolean {
    return this.#turned.find(ends, flow, nowMs) !== undefined;
  }

  /** Another connection has its place. */
  forget(network: number, { flow }: Carried): void {
    this.#turned.end(network, flow);
  }

  /** Takes out those that are allowed again. */
  take(isAllowed: (connection: Begun) => boolean): readonly Begun[] {
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
