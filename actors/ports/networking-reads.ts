/** What can be read of the networks that a host's guests are on. Types only. */
import type { FarPicture, RouterPicture, RulePicture, SubnetPicture } from "../../protocol/networking.ts";
import type { Port } from "../../protocol/port.ts";
import type { PublicationPicture } from "../../protocol/published-port.ts";

type PortFields = "id" | "networkId" | "mac" | "portSecurity" | "addressPairs" | "bandwidth";

/** Rows of one moment, in no order. */
export interface NetworkingRows {
  /** Number of the newest event of that moment. */
  readonly version: number;
  /** Of the interfaces of instances whose present claim is on the host. */
  readonly ports: readonly (Pick<Port, PortFields> & { readonly instanceId: string })[];
  /**
   * Networks of these ports, and those to which routers lead from there, by however many. The lists below
   * belong to the same ports.
   */
  readonly networks: readonly {
    readonly id: string;
    readonly number: number;
    readonly mtuBytes: number;
    readonly physicalNetwork: string | null;
  }[];
  readonly subnets: readonly (SubnetPicture & { readonly networkId: string })[];
  readonly addresses: readonly {
    readonly portId: string;
    readonly subnetId: string;
    readonly address: string;
  }[];
  readonly memberships: readonly { readonly id: string; readonly portId: string; readonly groupId: string }[];
  readonly rules: readonly (RulePicture & { readonly id: string; readonly groupId: string })[];
  /** Of each group that a rule names as the other end: what the ports of that group may send from. */
  readonly members: readonly {
    readonly groupId: string;
    readonly addresses: readonly string[];
    readonly pairs: Port["addressPairs"];
  }[];
  /** Ports of these networks whose instances' present claims are on hosts with another underlay address. */
  readonly far: readonly (FarPicture["ports"][number] & Pick<FarPicture, "networkId" | "host">)[];
  /** Routers with an interface on one of these networks. */
  readonly routers: readonly {
    readonly id: string;
    readonly routes: RouterPicture["routes"];
    readonly snat: boolean;
    /** Null: it leads nowhere outside, or hosts do not know where. */
    readonly outside: Omit<NonNullable<RouterPicture["outside"]>, "snat"> | null;
  }[];
  readonly routerInterfaces: readonly (RouterPicture["interfaces"][number] & { readonly routerId: string })[];
  /** Of these ports. */
  readonly floating: readonly (RouterPicture["floating"][number] & { readonly routerId: string })[];
  /** Ports of the host that lead to them; none leads to an interface that is on its way out. */
  readonly published: readonly (PublicationPicture & { readonly portId: string })[];
}

export interface NetworkingReads {
  /** Empty but for its version for a host that is not there, or has no guest on a network. */
  ofHost(hostId: string): Promise<NetworkingRows>;
}
