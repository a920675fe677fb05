/**
 * What a client of the load wishes of a create beside name and size: a server group of its own, several
 * instances at once, and a network. It makes the groups, one for each policy in turn, and asks for nothing
 * else.
 */
import type { AskedInterface } from "../../protocol/interface.ts";
import { groupPolicies } from "../../protocol/kinds.ts";
import type { Novact } from "../sdk/sdk.ts";
import type { Asked } from "./caller.ts";
import type { Random } from "./random.ts";
import { ownNetwork } from "./routing.ts";

export interface WishOptions {
  readonly name: string;
  readonly novact: Novact;
  readonly random: Random;
  /** Number of server groups of the client; 0: none. */
  readonly groups: number;
  /** Most instances of one create. */
  readonly atOnce: number;
  /** Id of a network for some of its instances; undefined: there is none. */
  readonly network: string | undefined;
  /** Whether it has a network of its own as well. Absent: it has none. */
  readonly outside?: string | undefined;
}

export interface Wished {
  readonly serverGroup?: string;
  readonly count?: number;
  readonly atLeast?: number;
  readonly networks?: AskedInterface[];
}

/** How often a create is about a group, about several, about a network, and about one behind a router. */
const groupShare = 0.5;
const manyShare = 0.2;
const networkShare = 0.3;
const routedShare = 0.4;

const groupNameOf = (client: string, index: number): string => `${client}-group-${index + 1}`;

/** The groups that it uses, each to be made before its first create. */
export function groupsOf({ name, novact, groups }: WishOptions): readonly Asked[] {
  return Array.from({ length: groups }, (_, index) => {
    const policy = groupPolicies[index % groupPolicies.length] ?? "anti-affinity";
    const request = { name: groupNameOf(name, index), policy };
    const send: Asked["send"] = (options) => novact.serverGroup.create(request, options);
    return { method: "server-group.create", id: "", request, send };
  });
}

export function wishOf({ name, random, groups, atOnce, network, outside }: WishOptions): Wished {
  const grouped = groups > 0 && random.next() < groupShare;
  const many = atOnce > 1 && random.next() < manyShare;
  const count = Math.floor(random.between(2, atOnce + 1));
  const plugged = network !== undefined && random.next() < networkShare;
  const routed = outside !== undefined && random.next() < routedShare;
  return {
    ...(grouped ? { serverGroup: groupNameOf(name, Math.floor(random.between(0, groups))) } : {}),
    ...(many ? { count, atLeast: Math.floor(random.between(1, count + 1)) } : {}),
    ...(plugged ? { networks: [{ network }] } : {}),
    ...(routed ? { networks: [{ network: ownNetwork(name) }] } : {}),
  };
}
