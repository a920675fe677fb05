/**
 * N1 and N5 as far as events tell, in the order of the commits: no address of a subnet or of an external
 * network has two holders at once; a floating address leads through a router that is there, and no two lead
 * to one address of a port. Who answers on the hosts is judged by looks-judged.ts. Pure.
 */
import type { Fact, Violation } from "../../actors/promises/facts.ts";
import type { Event } from "../../protocol/event.ts";

/** One watcher is enough, and the operator's sees everything. */
export function judgeAddresses(facts: readonly Fact[]): readonly Violation[] {
  const events = facts.flatMap((fact) =>
    fact.kind === "watched" && fact.project === "admin" ? [fact.event] : [],
  );
  const ledger = new AddressLedger();
  return events
    .toSorted((a, b) => a.sequence - b.sequence)
    .filter(({ sequence }, at, sorted) => sequence !== sorted[at - 1]?.sequence)
    .flatMap((event) => ledger.see(event).map((one) => ({ ...one, atMs: event.atMs })));
}

type Said = Omit<Violation, "atMs">;
type Body = Readonly<Record<string, unknown>>;

class AddressLedger {
  /** By range and address: who has it. */
  readonly #holders = new Map<string, string>();
  /** By floating address: the port and its address to which it leads. */
  readonly #targets = new Map<string, string>();
  /** By port of an interface: its router. */
  readonly #gates = new Map<string, string>();

  see({ noun, id, event, body }: Event): readonly Said[] {
    switch (`${noun} ${event}`) {
      case "port created":
        return addressesOf(body).flatMap(({ subnetId, address }) => this.#take(subnetId, address, id));
      case "port deleted":
        return this.#portGone(id);
      case "router interfaceAdded":
        this.#gates.set(String(body.portId), id);
        return this.#take(String(body.subnetId), String(body.address), String(body.portId));
      case "router interfaceRemoved":
        this.#gates.delete(String(body.portId));
        return this.#free(String(body.portId));
      case "floating-ip created":
        return [...this.#take(String(body.networkId), String(body.name), id), ...this.#lead(id, body)];
      case "floating-ip changed":
        return this.#lead(id, body);
      case "floating-ip deleted":
        this.#targets.delete(id);
        return this.#free(id);
      default:
        return [];
    }
  }

  #take(range: string, address: string, holder: string): readonly Said[] {
    const place = `${range} ${address}`;
    const other = this.#holders.get(place);
    this.#holders.set(place, holder);
    if (other === undefined || other === holder) return [];
    return [{ promise: "N1", message: `The address ${address} of ${range} is ${other}'s, and ${holder}'s.` }];
  }

  #free(holder: string): readonly Said[] {
    for (const [place, one] of this.#holders) if (one === holder) this.#holders.delete(place);
    return [];
  }

  /** What led to the port leads nowhere. */
  #portGone(id: string): readonly Said[] {
    for (const [floating, target] of this.#targets)
      if (target.startsWith(`${id} `)) this.#targets.delete(floating);
    return this.#free(id);
  }

  #lead(id: string, { target }: Body): readonly Said[] {
    this.#targets.delete(id);
    if (!isTarget(target)) return [];
    const place = `${target.portId} ${target.address}`;
    const [other] = [...this.#targets].find(([, one]) => one === place) ?? [];
    this.#targets.set(id, place);
    const isThere = [...this.#gates.values()].includes(target.routerId);
    return [
      ...(other === undefined ? [] : [`The floating addresses ${other} and ${id} lead to ${place}.`]),
      ...(isThere
        ? []
        : [`The floating address ${id} leads through ${target.routerId}, which leads nowhere.`]),
    ].map((message) => ({ promise: "N5", message }));
  }
}

interface Target {
  readonly portId: string;
  readonly address: string;
  readonly routerId: string;
}

const isTarget = (value: unknown): value is Target =>
  typeof value === "object" && value !== null && "portId" in value && "routerId" in value;

interface Held {
  readonly subnetId: string;
  readonly address: string;
}

const addressesOf = ({ addresses }: Body): readonly Held[] => (Array.isArray(addresses) ? addresses : []);
