/**
 * Between whom simulated packets can go: ports that guests are plugged into, with what the guests know of
 * themselves; interfaces of routers, also those that are gone, since a hostile guest remembers their MACs;
 * and floating addresses, which everybody outside may call.
 */
import type { Fact } from "../../actors/promises/facts.ts";
import { floatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import { address, port } from "../../protocol/port.ts";
import { routerInterface } from "../../protocol/router.ts";
import type { Place } from "./packet-computers.ts";

/** A port that a guest is plugged into, as its guest knows it: one for each IP version that it has. */
export interface End {
  readonly portId: string;
  readonly networkId: string;
  readonly instanceId: string;
  readonly mac: string;
  readonly address: string;
  readonly subnetId: string;
  readonly place: Place;
}

/** An interface of a router. */
export interface Gate {
  readonly routerId: string;
  readonly networkId: string;
  readonly subnetId: string;
  readonly mac: string;
  /** False: it has been taken away. */
  readonly isThere: boolean;
}

/** What is read of rows of several kinds. */
type Row = Readonly<
  Partial<
    Record<"id" | "name" | "portId" | "mac" | "routerId" | "networkId" | "subnetId" | "floatingId", string>
  >
>;
type Given = Pick<End, "address" | "subnetId">;

export const isOfSix = (address: string): boolean => address.includes(":");
const versions = [false, true] as const;

/** The newest that are remembered, of each kind. */
const rememberedMax = 200;

export class Ends {
  readonly #places: () => readonly Place[];
  /** By port, as rows have them: the newest of each IP version. */
  readonly #given = new Map<string, readonly Given[]>();
  readonly #macs = new Map<string, string>();
  /** By id of their row. */
  readonly #gates = new Map<string, Gate>();
  readonly #floating = new Map<string, string>();
  /** By id of their row, too. */
  readonly #targets = new Map<string, { readonly floatingId: string; readonly portId: string }>();

  constructor(places: () => readonly Place[]) {
    this.#places = places;
  }

  /** Learns from rows, too: a guest may know its address before its host has a picture. */
  see(fact: Fact): void {
    if (fact.kind !== "committed" || fact.result.kind !== "committed") return;
    for (const change of fact.commit.rows ?? [])
      if ("made" in change) this.#made(change.resource.table, { ...change.made });
      else if ("removed" in change) this.#removed(change.resource.table, change.removed);
  }

  /** Addresses of guests, whether these run or not. */
  all(): readonly End[] {
    return this.#places().flatMap((place) => {
      const { applied, plugged } = place.machine.world.ports;
      const told = (applied?.networks ?? []).flatMap(({ ports }) => ports);
      return [...plugged.values()].flatMap(({ portId, networkId, instanceId, mac }) => {
        const said = told.find(({ id }) => id === portId)?.addresses ?? [];
        return versions.flatMap((isSix) => {
          const isAlike = (one: Given) => isOfSix(one.address) === isSix;
          const given = said.find(isAlike) ?? this.#given.get(portId)?.find(isAlike);
          return given === undefined ? [] : { portId, networkId, instanceId, mac, ...given, place };
        });
      });
    });
  }

  /** On one network. */
  gatesAt(networkId: string): readonly Gate[] {
    return [...this.#gates.values()].filter((gate) => gate.networkId === networkId);
  }

  gatesOf(routerId: string): readonly Gate[] {
    return [...this.#gates.values()].filter((gate) => gate.routerId === routerId);
  }

  /** Addresses. */
  floating(): readonly string[] {
    return [...this.#floating.values()];
  }

  /** Whether the address leads to a guest that runs. */
  isHeardAt(floating: string): boolean {
    const called = [...this.#targets.values()].filter(
      ({ floatingId }) => this.#floating.get(floatingId) === floating,
    );
    return this.all().some((end) => runs(end) && called.some(({ portId }) => portId === end.portId));
  }

  #made(table: string, { id = "", name = "", ...row }: Row): void {
    const { portId = "", routerId = "", networkId = "", subnetId = "" } = row;
    if (table === port.table) remember(this.#macs, id, row.mac ?? "");
    if (table === floatingIp.table) remember(this.#floating, id, name);
    if (table === floatingTarget.table)
      remember(this.#targets, id, { floatingId: row.floatingId ?? "", portId });
    if (table === address.table) this.#give(portId, { address: name, subnetId });
    const mac = table === routerInterface.table ? this.#macs.get(portId) : undefined;
    if (mac !== undefined) remember(this.#gates, id, { routerId, networkId, subnetId, mac, isThere: true });
  }

  #give(portId: string, given: Given): void {
    const others = (this.#given.get(portId) ?? []).filter(
      ({ address: other }) => isOfSix(other) !== isOfSix(given.address),
    );
    this.#given.set(portId, [...others, given]);
  }

  #removed(table: string, id: string): void {
    if (table === floatingIp.table) this.#floating.delete(id);
    if (table === floatingTarget.table) this.#targets.delete(id);
    const gate = table === routerInterface.table ? this.#gates.get(id) : undefined;
    if (gate !== undefined) this.#gates.set(id, { ...gate, isThere: false });
  }
}

function remember<T>(known: Map<string, T>, id: string, value: T): void {
  known.set(id, value);
  const [oldest] = known.keys();
  if (known.size > rememberedMax && oldest !== undefined) known.delete(oldest);
}

export const runs = ({ instanceId, place }: End): boolean => place.machine.world.canWrite(instanceId);
