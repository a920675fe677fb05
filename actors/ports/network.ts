/**
 * The network of a host, as the actors see it: what a guest's network interface is plugged into, and which
 * packets pass. What it hands to a hypervisor names neither of them. Types only.
 */
import type { GuestData } from "../../protocol/guest-data.ts";
import type { HostNetworking, NetworkFailure } from "../../protocol/networking.ts";
import type { PortTraffic } from "../../protocol/traffic.ts";
import type { Keeper } from "./keeper.ts";

/** A tap in a network namespace, made and owned by the network driver; the hypervisor only opens it. */
export interface Tap {
  readonly kind: "tap";
  /** Path of the network namespace; null: the host's own. */
  readonly namespace: string | null;
  readonly name: string;
  /** Lower case, with colons. */
  readonly mac: string;
  readonly mtuBytes: number;
}

/**
 * A Unix socket at which the hypervisor listens, and the network driver connects, again whenever it has to.
 * Each frame has its length before it, in 4 bytes, the highest first, as QEMU's `-netdev stream` has it.
 */
export interface Stream {
  readonly kind: "stream";
  /** Its directory is there, and the guest's user may make files in it. */
  readonly path: string;
  readonly mac: string;
  readonly mtuBytes: number;
}

/**
 * A character device that frames are read from and written to, as Linux's macvtaps have. Only root may open
 * it: who starts the hypervisor does, and hands it down open. So nobody plugs a guest into it that runs.
 */
export interface Macvtap {
  readonly kind: "macvtap";
  readonly path: string;
  readonly mac: string;
  readonly mtuBytes: number;
}

export type NetworkDevice = Tap | Stream | Macvtap;

export interface NetworkFacts {
  /** The driver's name. */
  readonly kind: string;
  readonly mtuBytesMax: number;
  /** Whether guests on different hosts reach each other. */
  readonly spansHosts: boolean;
  /** The host's own address to which the networks of other hosts send frames by VXLAN. Absent: none do. */
  readonly underlay?: string;
  /** Whether ports of the host can lead to guests. Absent: they cannot. */
  readonly publishes?: boolean;
  /** Networks of the operator's into which it plugs guests. Absent: none. */
  readonly physicalNetworks?: readonly string[];
  /** Whether networks under a number are carried as well. Absent: they are. */
  readonly overlays?: boolean;
  /** Networks of the operator's to which its routers lead. Absent: it does not route at all. */
  readonly outside?: readonly { readonly physicalNetwork: string; readonly floating: boolean }[];
  /** Whether it filters what ports with `portSecurity` send and receive. Absent: it does. */
  readonly filters?: boolean;
  /** Whether guests can be plugged in while they run. Absent: they can. */
  readonly hotPlug?: boolean;
  /** Whether the bandwidth limits of ports are kept. Absent: they are not. */
  readonly limits?: boolean;
}

/** A published port of the applied picture at which nobody answers. */
export interface Unpublished {
  readonly id: string;
  /** A sentence for people. */
  readonly why: string;
}

/** What the guest of a port is told about itself, beside its addresses, which are in the picture. */
export interface ToldGuest {
  readonly project: string;
  readonly name: string;
  readonly data: GuestData;
  /** Of all ports of the guest, in its order. */
  readonly portIds: readonly string[];
}

export interface PortSpec {
  readonly portId: string;
  readonly networkId: string;
  /** Name of the physical network that the port's network is on. Absent: it is on none. */
  readonly physicalNetwork?: string | undefined;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  /** What DHCP tells the guest. */
  readonly hostName: string;
  readonly mac: string;
  readonly mtuBytes: number;
  /** What is told to whoever asks from the port. Absent: nothing. Whatever it was before is forgotten. */
  readonly told?: ToldGuest | undefined;
}

/** The ports that an instance keeps at an owner epoch. */
export interface KeptPorts {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly portIds: readonly string[];
}

/** Level-triggered: every verb is idempotent. @throws StatusError hypervisorRefused, staleEpoch, diskFull */
export interface Network extends Keeper {
  facts(): Promise<NetworkFacts>;
  /**
   * Makes whatever is missing for the port. Nothing passes it until a picture with it is applied. A port that
   * was another instance's is this one's from now on, at whatever owner epoch: that one has let go of it.
   */
  ensurePort(port: PortSpec, signal: AbortSignal): Promise<NetworkDevice>;
  /**
   * Path of the network namespace in which hypervisors open devices: they have to be in it from their start
   * on, also for interfaces that come later. Absent: any will do, or there are only devices that are files.
   */
  hypervisorNamespace?(): Promise<string>;
  /**
   * The hypervisor has opened the port's device. From the end of this verb on, packets pass the device as the
   * picture says: called before the guest's first instruction, and again when the guest is adopted. A driver
   * whose devices need nothing more does nothing. @throws hypervisorRefused when nobody has opened the device
   */
  plugged(portId: string, signal: AbortSignal): Promise<void>;
  /** Removes the port, if it is of this owner epoch or an earlier one. */
  releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void>;
  /**
   * Removes the instance's other ports than these, if they are of this owner epoch or an earlier one. Found
   * by looking, since nobody remembers what an earlier life of the agent has made.
   */
  releaseOthers(kept: KeptPorts, signal: AbortSignal): Promise<void>;
  /**
   * From its end on, packets pass as the picture says, and no others: nothing passes a port that is not in
   * the picture, and connections that the picture does not allow have ended. In between, what passes is what
   * the picture before or this one allows. An older one than the applied changes nothing. Answers the version
   * that is applied, which outlives the agent as the packets do. One bad part of the picture keeps no other
   * back: see `failures`.
   */
  apply(networking: HostNetworking, signal: AbortSignal): Promise<number>;
  /** The picture that is applied, or left by the agent's last life. Absent: the driver keeps no picture. */
  picture?(): Promise<HostNetworking | undefined>;
  /**
   * What of the picture is not published at present: the driver opens published ports soon after it has
   * applied the picture, and tries again what another program of the host has. Absent: it publishes nothing.
   */
  unpublished?(): readonly Unpublished[];
  /**
   * The parts of the applied picture that could not be carried out. Nothing passes them; the driver tries
   * them again by itself. Absent: `apply` carries out a whole picture, or throws.
   */
  failures?(): readonly NetworkFailure[];
  /**
   * Ports whose device is not where packets pass: no guest has opened it yet, or it has gone. A guest that
   * runs has lost its network then. Known from the last look at all that is there. Absent: a device stays as
   * long as a guest has it open.
   */
  adrift?(): readonly { readonly portId: string; readonly instanceId: string }[];
  /**
   * The reason why guests get no answers of DHCP or metadata from their host; undefined: guests get answers.
   * Absent: the driver's packets and answers come from the same process.
   */
  unanswered?(): string | undefined;
  /**
   * What has passed the ports that are plugged in, and what was dropped there, now or a few seconds ago;
   * without those that cannot be counted. It changes nothing. Absent: the driver counts nothing.
   * @throws hypervisorRefused when nothing can be read; AbortError
   */
  traffic?(signal: AbortSignal): Promise<readonly PortTraffic[]>;
  /**
   * The agent ends. Its guests run on, and their packets pass as before; or `guests` is true, they have ended
   * as well, and what carries packets may end until the next life. Ports and picture stay.
   */
  detach(guests: boolean): Promise<void>;
}
