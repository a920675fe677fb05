/**
 * The network port without root: a guest's interface is a Unix stream of its hypervisor, and a process of
 * ours, the switch, carries the frames. This file has the ports and the picture; the switch knows of nothing
 * but what it is told here.
 */
import type { Holding } from "../../../actors/ports/keeper.ts";
import type {
  KeptPorts,
  Network,
  NetworkFacts,
  PortSpec,
  Stream,
  Unpublished,
} from "../../../actors/ports/network.ts";
import type { HostNetworking } from "../../../protocol/networking.ts";
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { SwitchExit } from "../../switch/state.ts";
import { isDiskFull } from "../durable-file.ts";
import { Turns, throwIfAborted } from "../waiting.ts";
import type { ExitKeeper } from "./exit-keeper.ts";
import { exitsOf } from "./exits.ts";
import type { GatewayKeeper } from "./gateway-keeper.ts";
import { publishingOf, switchGatewayOf } from "./gateways.ts";
import type { PortFiles } from "./port-files.ts";
import { trafficIn } from "./port-traffic.ts";
import { holdingOf, type PortRecord, plugOf, streamOf, wantedRecord } from "./ports.ts";
import type { SwitchKeeper } from "./switch-keeper.ts";
import { factsOf } from "./underlay-facts.ts";

interface Known {
  /** By port id. */
  readonly ports: Map<string, PortRecord>;
  /** Null: no picture has come yet. Undefined: the last picture was lost, and the switch is told nothing. */
  networking: HostNetworking | null | undefined;
}

export interface UserNetworkParts {
  readonly files: PortFiles;
  readonly keeper: SwitchKeeper;
  /** Absent: this host publishes no ports. */
  readonly gateways?: GatewayKeeper | undefined;
  /** Absent: guests of this host have no way outside. */
  readonly exits?: ExitKeeper | undefined;
  readonly hostId: string;
  readonly log: Log;
  /** The host's own address; absent: its guests reach no other computer's. */
  readonly underlay?: string | undefined;
  /** Networks of the operator's that this computer reaches. */
  readonly outside?: readonly string[];
}

const rootPublishesNot =
  "The host's agent is root, whose guests have a network apart from the host's: it publishes nothing yet.";

const rootLeadsNotOutside =
  "The driver user leads nobody outside for an agent that is root: what calls there in the guests' name would " +
  "be root, too. The driver bridge does it, or an agent that is not root.";

export class UserNetwork implements Network {
  readonly kind = "network";
  readonly #files: PortFiles;
  readonly #keeper: SwitchKeeper;
  readonly #gateways: GatewayKeeper | undefined;
  readonly #exits: ExitKeeper | undefined;
  readonly #outside: readonly string[];
  readonly #hostId: string;
  readonly #log: Log;
  readonly #underlay: string | undefined;
  /** What of the last picture that was told no gateway can do. */
  #unpublished: readonly Unpublished[] = [];
  readonly #turns = new Turns();
  #reading: Promise<Known> | undefined;

  constructor(parts: UserNetworkParts) {
    const { files, keeper, gateways, exits, hostId, log, underlay, outside = [] } = parts;
    this.#underlay = underlay;
    this.#exits = exits;
    this.#outside = outside;
    this.#files = files;
    this.#keeper = keeper;
    this.#gateways = gateways;
    this.#hostId = hostId;
    this.#log = log;
  }

  async facts(): Promise<NetworkFacts> {
    if (this.#outside.length > 0 && this.#exits === undefined)
      throw new StatusError("hypervisorRefused", rootLeadsNotOutside);
    const outside = this.#outside.map((physicalNetwork) => ({ physicalNetwork, floating: false }));
    const publishes = this.#gateways !== undefined;
    return { ...factsOf(this.#underlay), publishes, limits: true, outside };
  }

  ensurePort(port: PortSpec, signal: AbortSignal): Promise<Stream> {
    return this.#inTurn(signal, async (known) => {
      const there = known.ports.get(port.portId);
      const record = wantedRecord(there, port, factsOf(this.#underlay));
      const path = this.#files.socketOf(record.portId);
      if (there !== record) {
        // The user of another instance's guest owned what is in it.
        if (there !== undefined && there.instanceId !== record.instanceId)
          await this.#files.removeDirectory(record.portId);
        await this.#files.write(record);
        known.ports.set(record.portId, record);
      }
      await this.#files.tell(port);
      await this.#files.makeDirectory(record);
      await this.#tell(known);
      return streamOf(record, path);
    });
  }

  /** The switch connects by itself, again whenever it has to. */
  async plugged(_portId: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
  }

  releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, (known) => this.#release(known, known.ports.get(portId), ownerEpoch));
  }

  releaseOthers({ instanceId, ownerEpoch, portIds }: KeptPorts, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async (known) => {
      for (const record of [...known.ports.values()])
        if (record.instanceId === instanceId && !portIds.includes(record.portId))
          await this.#release(known, record, ownerEpoch);
    });
  }

  async #release(known: Known, record: PortRecord | undefined, ownerEpoch: number): Promise<void> {
    if (record === undefined || record.ownerEpoch > ownerEpoch) return;
    await this.#files.remove(record.portId);
    known.ports.delete(record.portId);
    try {
      await this.#tell(known);
    } catch (error) {
      // Its socket is gone, so that nobody can be plugged in; removing a guest is what makes room.
      if (!isDiskFull(error)) throw error;
      this.#log.warn({ portId: record.portId }, "the switch is told of a port's end when there is room");
    }
  }

  async apply(networking: HostNetworking, signal: AbortSignal): Promise<number> {
    const version = await this.#inTurn(signal, async (known) => {
      const { networking: last } = known;
      const newest = last === null || last === undefined || last.version <= networking.version;
      const applied = newest ? networking : last;
      const before = known.networking;
      known.networking = applied;
      await this.#tell(known).catch((error: unknown) => {
        known.networking = before;
        throw error;
      });
      return applied.version;
    });
    await this.#keeper.applied(signal);
    return version;
  }

  async picture(): Promise<HostNetworking | undefined> {
    return (await this.#known()).networking ?? undefined;
  }

  unpublished(): readonly Unpublished[] {
    return this.#gateways?.unpublished ?? this.#unpublished;
  }

  async traffic(signal: AbortSignal): Promise<readonly PortTraffic[]> {
    const { ports } = await this.#known();
    const counted = await this.#keeper.counters();
    throwIfAborted(signal);
    return counted === undefined ? [] : trafficIn(counted.text, new Set(ports.keys()), counted.agoMs);
  }

  async detach(guests: boolean): Promise<void> {
    await this.#gateways?.detach(guests);
    await this.#exits?.detach(guests);
    await this.#keeper.detach(guests);
  }

  async list(): Promise<readonly Holding[]> {
    // The agent's first look at what is there begins to look after the switch.
    await this.#known();
    return (await this.#files.read()).map(holdingOf);
  }

  release({ what, instanceId, ownerEpoch }: Holding, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async (known) => {
      for (const record of [...known.ports.values()])
        if (holdingOf(record).what === what && record.instanceId === instanceId)
          await this.#release(known, record, ownerEpoch);
    });
  }

  /** The switch goes on with the picture that it has, when this agent has lost it. */
  async #tell({ ports, networking }: Known): Promise<void> {
    if (networking === undefined) return;
    const exits = this.#leadOutside(networking);
    const records = [...ports.values()].sort((one, other) => (one.portId < other.portId ? -1 : 1));
    const plugs = records.map((record) => ({
      ...plugOf(record, this.#files.socketOf(record.portId)),
      toldPath: this.#files.toldOf(record.portId),
      ...(this.#underlay === undefined ? {} : { underlay: this.#underlay }),
      ...(exits.length === 0 ? {} : { node: this.#hostId }),
    }));
    const publishing = this.#publish({ ports, networking });
    const gateways = publishing.map((one) => switchGatewayOf(one, this.#gateways?.socketOf(one.id) ?? ""));
    const doors = {
      ...(gateways.length === 0 ? {} : { gateways }),
      ...(exits.length === 0 ? {} : { exits }),
    };
    await this.#keeper.want({ networking, plugs, ...doors });
  }

  /** Has ways outside begin and end, soon; answers those that there are to be. */
  #leadOutside(networking: HostNetworking | null): readonly SwitchExit[] {
    const keeper = this.#exits;
    if (keeper === undefined) return [];
    const wanted = exitsOf(networking, { hostId: this.#hostId, outside: this.#outside });
    keeper.want(wanted.map(({ id }) => id));
    return wanted.map((exit) => ({ ...exit, path: keeper.socketOf(exit.id) }));
  }

  /** Has gateways begin and end, soon; answers those that there are to be. */
  #publish({ ports, networking }: Pick<Known, "ports"> & { readonly networking: HostNetworking | null }) {
    const wanted = publishingOf({ ports, networking, hostId: this.#hostId });
    this.#gateways?.want(wanted);
    if (this.#gateways !== undefined) return wanted.gateways;
    const all = wanted.gateways.flatMap(({ forwards }) => forwards);
    this.#unpublished = [...wanted.unpublished, ...all.map(({ id }) => ({ id, why: rootPublishesNot }))];
    return [];
  }

  /** One verb after another: each of them may change the one state that the switch is told. */
  #inTurn<T>(signal: AbortSignal, act: (known: Known) => Promise<T>): Promise<T> {
    return this.#turns.run("network", async () => {
      throwIfAborted(signal);
      return act(await this.#known());
    });
  }

  #known(): Promise<Known> {
    this.#reading ??= this.#read().catch((error: unknown) => {
      this.#reading = undefined;
      throw error;
    });
    return this.#reading;
  }

  async #read(): Promise<Known> {
    await this.#files.removeLeftovers();
    const records = await this.#files.read();
    const networking = await this.#keeper.read();
    const ports = new Map(records.map((record) => [record.portId, record]));
    if (networking !== undefined) {
      this.#publish({ ports, networking });
      this.#leadOutside(networking);
    }
    return { networking, ports };
  }
}
