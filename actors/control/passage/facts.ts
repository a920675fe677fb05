/** What a passage is decided by: rows of both ends, and what their hosts say. Types only. */
import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import type { NetworkingAudit } from "../../../protocol/networking.ts";
import type { InstanceState } from "../../../protocol/states.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import type { InterfaceRecord } from "../../records/instance.ts";

/** What a host says to have applied, asked before its rows were read; or that it did not say. */
export type HostWord =
  | { readonly kind: "said"; readonly networking: NetworkingAudit | null }
  | { readonly kind: "unheard"; readonly why: "silent" | "unanswered" };

export interface EndHost {
  readonly id: string;
  readonly name: string;
  /** Null: the agent has not named its drivers. */
  readonly drivers: HostDrivers | null;
  /** Names one computer until it starts again. */
  readonly bootId: string;
  readonly word: HostWord;
}

export interface End {
  readonly instanceId: string;
  readonly name: string;
  readonly state: InstanceState;
  readonly interfaces: readonly InterfaceRecord[] | null;
  /** Null: it is on none, or nothing is known of the host. */
  readonly host: EndHost | null;
  /** Rows of the picture that the host has to apply; null without a host. */
  readonly rows: NetworkingRows | null;
}

/** Names by id; a row without a name here is called by its id. */
export interface Names {
  readonly networks: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
}

/** One of the ways by which the ends could reach each other. */
export interface Way {
  readonly from: WayEnd;
  readonly to: WayEnd;
  readonly networkId: string;
  /** The router between two subnets; absent: both ends are on one network. */
  readonly via?: Via;
}

export interface Via {
  readonly routerId: string;
  /** Addresses of the router in the subnets of both ends. */
  readonly from: string;
  readonly to: string;
  /** The network of the other end. */
  readonly networkId: string;
}

export interface WayEnd {
  readonly portId: string;
  /** Undefined: it has none of the IP version. */
  readonly address: { readonly subnetId: string; readonly address: string } | undefined;
}
