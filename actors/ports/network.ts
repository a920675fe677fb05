/**
 * The network of a host, as the machine actor sees it: what a guest's network interface is plugged into. What
 * it hands to a hypervisor names neither of them. Types only.
 */
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

/** No device on the host: the hypervisor's own user-mode network. */
export interface UserNetwork {
  readonly kind: "user";
  readonly mac: string;
  readonly mtuBytes: number;
}

export type NetworkDevice = Tap | UserNetwork;

export interface NetworkFacts {
  /** The driver's name. */
  readonly kind: string;
  readonly mtuBytesMax: number;
  /** Whether guests on different hosts reach each other. */
  readonly spansHosts: boolean;
}

export interface PortSpec {
  readonly portId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly mac: string;
  readonly mtuBytes: number;
  /** A newer picture of the port has a higher number; an older one changes nothing. */
  readonly generation: number;
}

/** Level-triggered: every verb is idempotent. @throws StatusError hypervisorRefused, staleEpoch, diskFull */
export interface Network extends Keeper {
  facts(): Promise<NetworkFacts>;
  /**
   * Makes whatever is missing for the port; with an older generation, answers what is there. A port that was
   * another instance's is this one's from now on, at whatever owner epoch: that one has let go of it.
   */
  ensurePort(port: PortSpec, signal: AbortSignal): Promise<NetworkDevice>;
  /** Removes the port, if it is of this owner epoch or an earlier one. */
  releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void>;
}
