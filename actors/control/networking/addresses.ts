/**
 * Chooses the addresses of new ports. It knows which addresses of a subnet are taken as of its last look, and
 * which are on their way into a commit of this controller. It promises nothing: the commit says whether an
 * address was free, and who is refused looks again.
 */
import {
  addressOf,
  addressText,
  cidrOf,
  contains,
  type IpVersion,
  type Range,
  usable,
} from "../../../protocol/address.ts";
import type { Subnet } from "../../../protocol/network.ts";
import { address } from "../../../protocol/port.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { Store } from "../../ports/store.ts";
import { referringTo } from "../request/rows.ts";
import { nextFree, poolSize } from "./allocation.ts";
import { Patience } from "./patience.ts";

export interface ChosenAddress {
  readonly subnetId: string;
  readonly address: string;
}

/** A port wants an address of the first of these subnets that has a free one; or a certain address. */
export interface AddressAsked {
  readonly subnets: readonly Subnet[];
  readonly address?: string;
  /** The field of the request that has the address. Absent: `addresses`. */
  readonly field?: string;
}

/** How many addresses of each subnet one attempt has chosen: others have the rest of what is on its way. */
export type Own = Map<string, number>;

interface Seen {
  readonly taken: Set<bigint>;
  /** Another one has an address that was thought free: it is read anew before the next choice. */
  stale: boolean;
  /** No address was left when it was last gone through. */
  full: boolean;
}

/** Subnets of which the taken addresses are remembered; the one that was forgotten is read anew. */
const subnetsSeenMax = 1_000;

export class Addresses {
  readonly #store: Pick<Store, "rows">;
  readonly #seen = new Map<string, Seen>();
  /** For each subnet the look under way, and the one that begins after it. */
  readonly #looks = new Map<string, { readonly now: Promise<Seen>; next?: Promise<Seen> }>();
  /** Addresses in commits of this controller that are under way, by subnet. */
  readonly #coming = new Map<string, Set<bigint>>();
  /** The last that was given of a subnet. */
  readonly #last = new Map<string, bigint>();
  /** Undefined in a dry run: no commit ever settles its addresses, so no wait would end. */
  #patience: Patience | undefined = new Patience();

  constructor(store: Pick<Store, "rows">) {
    this.#store = store;
  }

  /**
   * The same for a dry run: it chooses what a create would now, and what it chooses is on nobody's way, nor
   * the last that was given.
   */
  rehearsal(): Addresses {
    const apart = new Addresses(this.#store);
    for (const [id, seen] of this.#seen) apart.#seen.set(id, { ...seen });
    for (const [id, coming] of this.#coming) apart.#coming.set(id, new Set(coming));
    for (const [id, last] of this.#last) apart.#last.set(id, last);
    apart.#patience = undefined;
    return apart;
  }

  /**
   * Tries again while a subnet is full only because of addresses on their way into commits of others, which
   * may come to nothing: that all are taken is said when it is true, or when the question `isLate`. `attempt`
   * counts what it chooses in `own`, and has let go of it when it throws. @throws what `attempt` throws
   */
  async patiently<T>(attempt: (own: Own) => Promise<T>, isLate: () => boolean): Promise<T> {
    const patience = this.#patience;
    let act = () => attempt(new Map());
    for (;;) {
      try {
        return await act();
      } catch (thrown) {
        const subnetId = patience?.hopedFor(thrown);
        if (patience === undefined || subnetId === undefined) throw thrown;
        if (isLate()) throw thrown;
        const isComing = () => this.#coming.has(subnetId);
        const again = { attempt: () => attempt(new Map()), isComing, isLate, refusal: thrown };
        act = () => patience.again(subnetId, again);
      }
    }
  }

  /**
   * One address for each that is asked for; they count as taken until `settled`. @throws subnetFull,
   * addressTaken, schemaMismatch
   */
  async choose(asked: readonly AddressAsked[], own: Own = new Map()): Promise<readonly ChosenAddress[]> {
    const chosen: ChosenAddress[] = [];
    try {
      for (const one of asked) {
        const next = await this.#chooseOne(one, own);
        chosen.push(next);
        own.set(next.subnetId, (own.get(next.subnetId) ?? 0) + 1);
      }
      return chosen;
    } catch (thrown) {
      this.settled(chosen, "refused");
      throw thrown;
    }
  }

  /** After the commit. `taken`: another port has an address, so the subnets are looked at anew. */
  settled(chosen: readonly ChosenAddress[], outcome: "committed" | "refused" | "taken"): void {
    for (const { subnetId, address: text } of chosen) {
      const value = addressOf(text)?.value;
      if (value === undefined) continue;
      const coming = this.#coming.get(subnetId);
      coming?.delete(value);
      if (coming?.size === 0) this.#coming.delete(subnetId);
      const seen = this.#seen.get(subnetId);
      if (outcome === "committed") seen?.taken.add(value);
      else if (seen !== undefined) seen.full = false;
      if (outcome === "taken" && seen !== undefined) seen.stale = true;
      if (outcome !== "committed" || !this.#coming.has(subnetId)) this.#patience?.changed(subnetId);
    }
  }

  async #chooseOne({ subnets, address: wanted, field }: AddressAsked, own: Own): Promise<ChosenAddress> {
    let full: StatusError | undefined;
    for (const subnet of subnets) {
      try {
        const value = await (wanted === undefined
          ? this.#anyOf(subnet, own)
          : this.#thisOne(subnet, wanted, field));
        return { subnetId: subnet.id, address: addressText({ version: versionOf(subnet), value }) };
      } catch (thrown) {
        if (!(thrown instanceof StatusError) || thrown.reason !== "subnetFull") throw thrown;
        full ??= thrown;
      }
    }
    throw full ?? new StatusError("internal", "An address was asked for of no subnet.");
  }

  async #anyOf(subnet: Subnet, own: Own): Promise<bigint> {
    const pools = poolsOf(subnet);
    const size = poolSize(pools);
    for (const look of [() => this.#look(subnet), () => this.#lookAnew(subnet)]) {
      const value = this.#next(subnet, pools, await look());
      if (value !== undefined) return value;
    }
    const which = `of the subnet ${subnet.name} (${subnet.cidr})`;
    const message = `All ${counted(Number(size), "address", "addresses")} ${which} are taken.`;
    const error = new StatusError("subnetFull", message, {
      details: { subnetId: subnet.id, addresses: Number(size) },
    });
    if (this.#comingOf(subnet.id).size > (own.get(subnet.id) ?? 0)) this.#patience?.hope(error, subnet.id);
    throw error;
  }

  #next({ id }: Subnet, pools: readonly Range[], seen: Seen): bigint | undefined {
    if (seen.full) return undefined;
    const { taken } = seen;
    const coming = this.#comingOf(id);
    const has = (one: bigint) => taken.has(one) || coming.has(one);
    const value = nextFree(pools, { has }, this.#last.get(id) ?? null);
    seen.full = value === undefined;
    if (value === undefined) return undefined;
    this.#expect(id, value);
    this.#last.set(id, value);
    return value;
  }

  async #thisOne(subnet: Subnet, text: string, field = "addresses"): Promise<bigint> {
    const asked = addressOf(text);
    const range = cidrOf(subnet.cidr);
    if (asked === undefined || range === undefined || !contains(usable(range), asked))
      throw faulty(field, `has ${text}, which is no address for a port of ${subnet.cidr}`);
    for (const look of [() => this.#look(subnet), () => this.#lookAnew(subnet)]) {
      const { taken } = await look();
      const coming = this.#comingOf(subnet.id);
      if (taken.has(asked.value) || coming.has(asked.value)) continue;
      this.#expect(subnet.id, asked.value);
      return asked.value;
    }
    throw new StatusError("addressTaken", `The address ${text} of ${subnet.name} is taken.`);
  }

  #comingOf(subnetId: string): ReadonlySet<bigint> {
    return this.#coming.get(subnetId) ?? nothing;
  }

  /** An address of a commit under way, until `settled`: a subnet without such commits has no entry. */
  #expect(subnetId: string, value: bigint): void {
    const coming = this.#coming.get(subnetId) ?? new Set();
    this.#coming.set(subnetId, coming.add(value));
  }

  async #look(subnet: Subnet): Promise<Seen> {
    const seen = this.#seen.get(subnet.id);
    return seen === undefined || seen.stale ? this.#lookAnew(subnet) : seen;
  }

  /**
   * A look that begins from now on: one that is under way may not have seen what was freed a moment ago. All
   * who ask meanwhile get the same, so that a subnet is read by one of them at a time.
   */
  #lookAnew({ id }: Subnet): Promise<Seen> {
    const underWay = this.#looks.get(id);
    if (underWay === undefined) return this.#begin(id);
    underWay.next ??= underWay.now.then(
      () => this.#begin(id),
      () => this.#begin(id),
    );
    return underWay.next;
  }

  #begin(id: string): Promise<Seen> {
    const now = this.#read(id);
    const look = { now };
    this.#looks.set(id, look);
    const end = () => {
      if (this.#looks.get(id) === look) this.#looks.delete(id);
    };
    now.then(end, end);
    return now;
  }

  async #read(id: string): Promise<Seen> {
    const rows = await referringTo(address, { subnetId: [id] }, this.#store.rows);
    const values = rows.flatMap(({ name }) => addressOf(name)?.value ?? []);
    // Ids are ordered by time: the last row is the address that was given last.
    const last = values.at(-1);
    if (last !== undefined && !this.#last.has(id)) this.#last.set(id, last);
    const seen: Seen = { taken: new Set(values), stale: false, full: false };
    this.#seen.delete(id);
    this.#seen.set(id, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > subnetsSeenMax && oldest !== undefined) {
      this.#seen.delete(oldest);
      this.#last.delete(oldest);
    }
    return seen;
  }
}

const nothing: ReadonlySet<bigint> = new Set();

const versionOf = ({ cidr }: Subnet): IpVersion => (cidr.includes(":") ? 6 : 4);

const poolsOf = ({ pools }: Subnet): readonly Range[] =>
  pools.flatMap(({ first, last }) => {
    const [from, to] = [addressOf(first), addressOf(last)];
    return from === undefined || to === undefined
      ? []
      : [{ version: from.version, first: from.value, last: to.value }];
  });
