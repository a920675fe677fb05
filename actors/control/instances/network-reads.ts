/**
 * Reads a network that a create names, and its subnets, at the same time: by the id that the name had last.
 * Both are read after the request came, so the guess costs at most a read; it must never stand for one.
 */
import { network, type Subnet, subnet } from "../../../protocol/network.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import { findRow, referringTo } from "../request/rows.ts";
import { createLimits } from "./limits.ts";

export interface ReadNetwork {
  readonly on: RowOf<typeof network>;
  readonly subnets: readonly Subnet[];
}

export class NetworkReads {
  readonly #rows: RowReads;
  /** Ids of networks, by caller and name. */
  readonly #ids = new Map<string, string>();

  constructor(rows: RowReads) {
    this.#rows = rows;
  }

  /** @throws notFound, ambiguous */
  async find(caller: { readonly project: string; readonly id: string }): Promise<ReadNetwork> {
    const key = JSON.stringify([caller.project, caller.id]);
    const guess = this.#ids.get(key);
    const early = guess === undefined ? undefined : this.#subnetsOf(guess);
    // A failure of the guess may come when the answer is not used any more.
    early?.catch(() => undefined);
    const on = await findRow(network, caller, this.#rows);
    this.#remember(key, on.id);
    const subnets = await (early !== undefined && on.id === guess ? early : this.#subnetsOf(on.id));
    return { on, subnets };
  }

  #subnetsOf(networkId: string): Promise<readonly Subnet[]> {
    return referringTo(subnet, { networkId: [networkId] }, this.#rows);
  }

  #remember(key: string, id: string): void {
    this.#ids.delete(key);
    this.#ids.set(key, id);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > createLimits.networksRememberedMax && oldest !== undefined) this.#ids.delete(oldest);
  }
}
