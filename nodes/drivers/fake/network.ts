/**
 * The network port in memory, with the promises of a real one: ports by owner epoch, and names of taps that
 * nothing stands behind. Nothing here touches the real computer.
 */
import { createHash } from "node:crypto";
import type { Holding } from "../../../actors/ports/keeper.ts";
import type {
  KeptPorts,
  Network,
  NetworkFacts,
  PortSpec,
  Tap,
  Unpublished,
} from "../../../actors/ports/network.ts";
import type { HostNetworking, NetworkFailure } from "../../../protocol/networking.ts";
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { NetworkDriver } from "../kinds.ts";
import { refuseUncarried } from "../unplugged.ts";
import { throwIfAborted } from "../waiting.ts";
import { fakeFacts } from "./facts.ts";

/** What is left of a host's network when its agent ends. */
export class FakePorts {
  /** By id. */
  readonly plugged = new Map<string, PortSpec>();
  applied: HostNetworking | undefined;
  /** By id of a port that was counted: nothing passes by itself. */
  readonly traffic = new Map<string, PortTraffic>();
  /** False: what carries packets has ended with the agent and its guests, until the next life. */
  carries = true;
  /** Parts of the picture that a spec has made fail. */
  failures: readonly NetworkFailure[] = [];
  /** Hears of each port that comes or goes. */
  onChange: (port: PortSpec, isThere: boolean) => void = () => undefined;

  plug(port: PortSpec): void {
    this.plugged.set(port.portId, port);
    this.traffic.set(port.portId, noTraffic(port.portId));
    this.onChange(port, true);
  }

  /** The port stays as it is. */
  tell(port: PortSpec, told: PortSpec["told"]): void {
    this.plugged.set(port.portId, { ...port, told });
  }

  unplug(port: PortSpec): void {
    this.plugged.delete(port.portId);
    this.traffic.delete(port.portId);
    this.onChange(port, false);
  }
}

const noTraffic = (portId: string): PortTraffic => ({
  ...{ portId, agoMs: 0 },
  ingress: { packets: 0, bytes: 0, dropped: { rule: 0, limit: 0, other: 0 } },
  egress: { packets: 0, bytes: 0, dropped: { rule: 0, limit: 0, forged: 0, other: 0 } },
});

/** As Ethernet has it without jumbo frames. */
const mtuBytesMax = 1_500;

export class FakeNetwork implements Network {
  readonly kind = "network";
  readonly #left: FakePorts;

  constructor(left: FakePorts = new FakePorts()) {
    this.#left = left;
    left.carries = true;
  }

  get #ports(): Map<string, PortSpec> {
    return this.#left.plugged;
  }

  async facts(): Promise<NetworkFacts> {
    return { kind: "fake", mtuBytesMax, spansHosts: false, publishes: true, limits: true };
  }

  async ensurePort(port: PortSpec, signal: AbortSignal): Promise<Tap> {
    throwIfAborted(signal);
    const there = this.#ports.get(port.portId);
    // What another instance has left of it says nothing about this one: owner epochs are an instance's own.
    const known = there?.instanceId === port.instanceId ? there : undefined;
    if (known !== undefined && known.ownerEpoch > port.ownerEpoch)
      throw new StatusError("staleEpoch", `The port ${port.portId} belongs to a newer epoch.`);
    if (port.mtuBytes > mtuBytesMax)
      throw new StatusError("hypervisorRefused", `The host's network carries ${mtuBytesMax} bytes at most.`);
    refuseUncarried(port.physicalNetwork);
    if (known === undefined || known.ownerEpoch < port.ownerEpoch) this.#left.plug(port);
    else this.#left.tell(known, port.told);
    return tapOf(this.#ports.get(port.portId) ?? port);
  }

  /** Nothing stands behind the names. */
  async plugged(_portId: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
  }

  async releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const known = this.#ports.get(portId);
    if (known !== undefined && known.ownerEpoch <= ownerEpoch) this.#left.unplug(known);
  }

  async releaseOthers({ instanceId, ownerEpoch, portIds }: KeptPorts, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    for (const port of [...this.#ports.values()])
      if (port.instanceId === instanceId && !portIds.includes(port.portId))
        await this.releasePort(port.portId, ownerEpoch, signal);
  }

  async apply(networking: HostNetworking, signal: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    const { applied } = this.#left;
    if (applied === undefined || applied.version <= networking.version) this.#left.applied = networking;
    return this.#left.applied?.version ?? networking.version;
  }

  async picture(): Promise<HostNetworking | undefined> {
    return this.#left.applied;
  }

  failures(): readonly NetworkFailure[] {
    return this.#left.failures;
  }

  /** No program of the computer is in the way of a port that is only remembered. */
  unpublished(): readonly Unpublished[] {
    return [];
  }

  async traffic(signal: AbortSignal): Promise<readonly PortTraffic[]> {
    throwIfAborted(signal);
    return [...this.#left.traffic.values()];
  }

  async detach(guests: boolean): Promise<void> {
    if (guests) this.#left.carries = false;
    await undefined;
  }

  async list(): Promise<readonly Holding[]> {
    return [...this.#ports.values()].map(holdingOf);
  }

  async release(holding: Holding, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const { what, instanceId, ownerEpoch } = holding;
    for (const port of [...this.#ports.values()])
      if (holdingOf(port).what === what && port.instanceId === instanceId)
        await this.releasePort(port.portId, ownerEpoch, signal);
  }
}

/** Linux takes 15 bytes for a name. */
const tapName = (portId: string): string =>
  `nv${createHash("sha256").update(portId).digest("hex").slice(0, 12)}`;

const tapOf = ({ portId, mac, mtuBytes }: PortSpec): Tap => ({
  ...{ kind: "tap", namespace: null, name: tapName(portId), mac, mtuBytes },
});

const holdingOf = ({ portId, instanceId, ownerEpoch }: PortSpec): Holding => ({
  ...{ instanceId, ownerEpoch, what: `tap ${tapName(portId)}` },
});

export const fakeNetwork: NetworkDriver<typeof fakeFacts.options> = {
  ...fakeFacts,
  open: () => new FakeNetwork(),
};
