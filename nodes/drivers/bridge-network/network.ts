/**
 * The network port by Linux's own bridges, for an agent that is root: a guest's interface is a tap that its
 * hypervisor opens, and the kernel carries the frames. This file has the ports and the picture, and the order
 * of things: rules come before what they are for, and go after it. The kernel is compared with both again and
 * again: what was done once is believed until the next compare, and not after a failure.
 */
import type { Holding } from "../../../actors/ports/keeper.ts";
import type { KeptPorts, Network, NetworkFacts, PortSpec, Tap } from "../../../actors/ports/network.ts";
import type { HostNetworking, NetworkFailure } from "../../../protocol/networking.ts";
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { guestUser } from "../guest-user.ts";
import type { PortFiles } from "../user-network/port-files.ts";
import { type PortRecord, wantedRecord } from "../user-network/ports.ts";
import { Turns, throwIfAborted } from "../waiting.ts";
import { lookAtTraffic } from "./batches.ts";
import { closedBy, isSameSet, onceEach } from "./blame.ts";
import { clashing, tapName } from "./device-names.ts";
import type { Fabric } from "./fabric.ts";
import type { PacketFilter, ServiceRoute } from "./filter.ts";
import { canLimit, type Limiter } from "./limiter.ts";
import type { PictureFile } from "./picture-file.ts";
import { type FabricPlan, planOf } from "./plan.ts";
import { trafficOf } from "./port-traffic.ts";
import { resultOf } from "./result-of.ts";
import type { Rounds } from "./rounds.ts";
import type { Routing } from "./routing/routing.ts";
import type { Settler } from "./settler.ts";
import type { TableKeeper } from "./table-keeper.ts";

interface Known {
  /** By port id. */
  readonly ports: Map<string, PortRecord>;
  /** Null: no picture has come yet. Undefined: the last picture was lost, and what passes stays as it is. */
  networking: HostNetworking | null | undefined;
}

export interface BridgeNetworkParts {
  readonly facts: () => NetworkFacts;
  /** Rejects when the computer cannot filter packets as the driver needs, with what to do. */
  readonly ready: () => Promise<void>;
  readonly files: PortFiles;
  readonly picture: PictureFile;
  readonly fabric: Fabric;
  readonly settler: Settler;
  readonly limiter: Limiter;
  readonly filter: PacketFilter;
  readonly routing: Pick<Routing, "probe" | "facts" | "settle" | "hasRemade" | "detach">;
  readonly rounds: Rounds;
  /** Absent: nobody hears when tables are removed between two compares. */
  readonly tables?: TableKeeper;
  readonly log: Log;
}

const never = new AbortController().signal;

export class BridgeNetwork implements Network {
  readonly kind = "network";
  readonly #parts: BridgeNetworkParts;
  readonly #turns = new Turns();
  readonly #toldPath = (portId: string): string => this.#parts.files.toldOf(portId);
  #reading: Promise<Known> | undefined;
  /** Ports of the host, by id; empty until the files are read. */
  #ports: Known["ports"] = new Map();
  #beginning: Promise<void> | undefined;
  #limiting: Promise<boolean> | undefined;
  #services: readonly ServiceRoute[] = [];
  /** Of the last settling. */
  #failures: readonly NetworkFailure[] = [];
  /** Those of devices. */
  #unmade: readonly NetworkFailure[] = [];
  /** Ports without rules. */
  #refused: ReadonlySet<string> = new Set();
  /** The last plan, and what it was made of. */
  #planned: { readonly of: readonly unknown[]; readonly plan: FabricPlan } | undefined;
  #detached = false;
  /** False: the rules may not be those of the ports and the picture, so nothing may come on a bridge. */
  #isFiltered = false;

  constructor(parts: BridgeNetworkParts) {
    this.#parts = parts;
  }

  /** The agent asks at its start: what the computer lacks is said then, and not to the first guest. */
  async facts(): Promise<NetworkFacts> {
    await this.#begin();
    const outside = this.#parts.routing.facts();
    return { ...this.#parts.facts(), limits: await this.#limits(), ...(outside && { outside }) };
  }

  /** Whether the computer can keep bandwidth limits, tried once. */
  #limits(): Promise<boolean> {
    this.#limiting ??= canLimit();
    return this.#limiting;
  }

  #begin(): Promise<void> {
    const { ready, fabric, routing } = this.#parts;
    this.#beginning ??= ready()
      .then(() => fabric.open())
      .then(() => routing.probe())
      .catch((error: unknown) => {
        this.#beginning = undefined;
        throw error;
      });
    return this.#beginning;
  }

  ensurePort(port: PortSpec, signal: AbortSignal): Promise<Tap> {
    return this.#inTurn(signal, async (known) => {
      const { files, settler, fabric } = this.#parts;
      const there = known.ports.get(port.portId);
      const record = wantedRecord(there, port, this.#parts.facts());
      if (clashing([...known.ports.keys(), record.portId]).has(record.portId))
        throw refused(`Another port of this host has the name of the port ${record.portId}.`);
      // Nothing passes a tap of another life of the port from here on.
      if (there !== record) {
        if (there !== undefined) await settler.removeTap(tapName(there.portId));
        await files.write(record);
        known.ports.set(record.portId, record);
        this.#isFiltered = false;
      }
      await files.tell(port);
      if (!this.#isFiltered) await this.#settle(known, signal);
      this.#refuseFailed(record);
      const { uid = 0 } = guestUser(record.instanceId) ?? {};
      const name = tapName(record.portId);
      await settler.ensureTap(name, uid, there !== record);
      const namespace = await fabric.plugsPath();
      return { kind: "tap", namespace, name, mac: record.mac, mtuBytes: record.mtuBytes };
    });
  }

  hypervisorNamespace(): Promise<string> {
    return this.#parts.fabric.plugsPath();
  }

  plugged(portId: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async (known) => {
      if (!known.ports.has(portId)) throw refused(`There is no port ${portId} on this host.`);
      if (!this.#isFiltered) await this.#settle(known, signal);
      await this.#parts.settler.moveTap(tapName(portId));
      const unmade = await this.#settleDevices(known, signal, false);
      // What fails is closed by rules, and what had failed is opened again.
      if (unmade.length + this.#unmade.length > 0) await this.#settle(known, signal);
      this.#refuseFailed(known.ports.get(portId));
    });
  }

  failures(): readonly NetworkFailure[] {
    return this.#failures;
  }

  /** Failures of other ports do not count. @throws StatusError hypervisorRefused */
  #refuseFailed(record: PortRecord | undefined): void {
    const failed = this.#failures.find(
      ({ of, id }) =>
        (of === "port" && id === record?.portId) || (of === "network" && id === record?.networkId),
    );
    if (failed !== undefined) throw refused(failed.why);
  }

  releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, (known) => this.#release(known, known.ports.get(portId), ownerEpoch, signal));
  }

  releaseOthers({ instanceId, ownerEpoch, portIds }: KeptPorts, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async (known) => {
      for (const record of [...known.ports.values()])
        if (record.instanceId === instanceId && !portIds.includes(record.portId))
          await this.#release(known, record, ownerEpoch, signal);
    });
  }

  /** The record goes last: as long as it is there, what is left of the port is found and removed again. */
  async #release(known: Known, record: PortRecord | undefined, ownerEpoch: number, signal: AbortSignal) {
    if (record === undefined || record.ownerEpoch > ownerEpoch) return;
    const { portId } = record;
    await this.#parts.settler.removeTap(tapName(portId));
    const ports = new Map([...known.ports].filter(([id]) => id !== portId));
    await this.#settle({ ports, networking: known.networking }, signal);
    await this.#parts.files.remove(portId);
    known.ports.delete(portId);
  }

  apply(networking: HostNetworking, signal: AbortSignal): Promise<number> {
    return this.#inTurn(signal, async (known) => {
      const { networking: last } = known;
      // Who tells the same again wants to be sure of it.
      const looks = last?.version === networking.version;
      const newest = last === null || last === undefined || last.version <= networking.version;
      const lost = newest ? (await resultOf(this.#parts.picture.write(networking))).error : undefined;
      known.networking = newest ? networking : last;
      this.#isFiltered = false;
      await this.#settle(known, signal, looks);
      // A full disk keeps no revocation back; but the picture is not kept, and so it was not applied.
      if (lost !== undefined) throw lost;
      return known.networking.version;
    });
  }

  picture(): Promise<HostNetworking | undefined> {
    return this.#inTurn(never, async ({ networking }) => networking ?? undefined);
  }

  /** Not in turn: whoever looks must not wait for what is being applied. */
  async traffic(signal: AbortSignal): Promise<readonly PortTraffic[]> {
    if (this.#detached) return [];
    const { fabric, limiter } = this.#parts;
    const { ports } = await this.#known();
    const [taps, limits] = await Promise.all([lookAtTraffic(fabric), limiter.counted()]);
    throwIfAborted(signal);
    return [...ports.keys()].flatMap((portId) => trafficOf(portId, { taps, limits }) ?? []);
  }

  adrift(): readonly PortRecord[] {
    const { settler } = this.#parts;
    return [...this.#ports.values()].filter(({ portId }) => settler.isAdrift(tapName(portId)));
  }

  unanswered(): string | undefined {
    return this.#parts.filter.unanswered?.();
  }

  detach(guests: boolean): Promise<void> {
    const { rounds, tables, filter, routing, settler, fabric } = this.#parts;
    this.#detached = true;
    rounds.stop();
    tables?.stop();
    return this.#turns.run("network", async () => {
      this.#reading = undefined;
      await filter.detach(guests);
      await routing.detach();
      await fabric.detach(guests);
      await settler.detach(guests);
    });
  }

  async list(): Promise<readonly Holding[]> {
    // The agent's first look at what is there begins to look after it.
    if (!this.#detached) await this.#inTurn(never, async () => undefined);
    return (await this.#parts.files.read()).map(holdingOf);
  }

  release({ what, instanceId, ownerEpoch }: Holding, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async (known) => {
      for (const record of [...known.ports.values()])
        if (holdingOf(record).what === what && record.instanceId === instanceId)
          await this.#release(known, record, ownerEpoch, signal);
    });
  }

  /**
   * Rules before devices: nothing is ever on a bridge without them. Ports that failed the last time have none
   * before they are right. `looks`: at all that is there; else what was proved is believed, and only what
   * differs from it is changed and looked at.
   */
  async #settle(known: Known, signal: AbortSignal, looks = false): Promise<void> {
    const { networking, ports } = known;
    if (networking === undefined) return;
    const closed = closedBy(this.#unmade, networking);
    const unruled = await this.#filter(known, closed, looks, signal);
    const { neighbours } = this.#plan({ networking, ports });
    // Guests of one network reach each other also while a router or a way outside fails.
    const { routing } = this.#parts;
    const unrouted = await resultOf(routing.settle({ networking, neighbours }, looks, signal));
    const isOther = looks || unrouted.error !== undefined || routing.hasRemade;
    const unmade = await resultOf(this.#settleDevices(known, signal, isOther));
    this.#unmade = unmade.value ?? this.#unmade;
    const stillUnruled = (await this.#followDevices(known, closed, looks, signal)) ?? unruled;
    this.#failures = onceEach([...stillUnruled, ...this.#unmade, ...(unrouted.value ?? [])]);
    if (this.#failures.length > 0) this.#parts.rounds.soon(JSON.stringify(this.#failures));
    for (const { error } of [unrouted, unmade]) if (error !== undefined) throw error;
  }

  /**
   * Closes ports whose devices have failed, and opens those whose devices are right again, which the fabric
   * is to answer from here on: so devices follow once more. Answers as `#filter`; undefined: all stays.
   */
  async #followDevices(known: Known, closed: ReadonlySet<string>, looks: boolean, signal: AbortSignal) {
    const { networking = null } = known;
    const now = closedBy(this.#unmade, networking);
    if (isSameSet(closed, now)) return undefined;
    const unruled = await this.#filter(known, now, looks, signal);
    if ([...closed].every((id) => now.has(id))) return unruled;
    // One that was closed a moment ago stays so, and is said, until the next.
    this.#unmade = onceEach([...(await this.#settleDevices(known, signal, false)), ...this.#unmade]);
    const last = closedBy(this.#unmade, networking);
    return isSameSet(now, last) ? unruled : this.#filter(known, last, looks, signal);
  }

  /** Answers the ports whose rules the kernel does not take. */
  async #filter(
    { networking = null, ports }: Known,
    closed: ReadonlySet<string>,
    looks: boolean,
    signal: AbortSignal,
  ) {
    const { filter, fabric } = this.#parts;
    const open = [...ports.values()].filter(({ portId }) => !closed.has(portId));
    const state = { networking, ports: open, toldPath: this.#toldPath, trusts: !looks };
    this.#isFiltered = false;
    this.#services = await filter.apply(state, fabric, signal);
    this.#isFiltered = true;
    this.#refused = new Set(filter.refused?.keys());
    return [...(filter.refused ?? [])].map(([id, said]) => ({
      ...{ of: "port" as const, id, why: `The host's kernel does not take its packet rules: ${said}` },
    }));
  }

  async #settleDevices(
    { networking, ports }: Known,
    signal: AbortSignal,
    looks: boolean,
  ): Promise<readonly NetworkFailure[]> {
    if (networking === undefined) return [];
    const { limiter, settler } = this.#parts;
    const plan = this.#plan({ networking, ports });
    // Before a tap is on a bridge; but a limit that fails keeps nothing else back.
    const limited = (await this.#limits())
      ? await resultOf(limiter.settle(plan.taps, signal, looks ? undefined : settler.settled))
      : { value: [] };
    const failures = await settler.settle(plan, signal, looks);
    if (limited.error !== undefined) throw limited.error;
    return [...(limited.value ?? []), ...failures];
  }

  /** The same, and what has happened while no agent looked. */
  async #settleAll(known: Known, signal: AbortSignal): Promise<void> {
    const { networking, ports } = known;
    if (networking === undefined) return;
    const { settler, tables, rounds } = this.#parts;
    await settler.takeOpened(this.#plan({ networking, ports }));
    const settled = await resultOf(this.#settle(known, signal, true));
    const inTurn = (act: () => Promise<void>) => this.#inTurn(never, act);
    const repair = { inTurn, compare: () => rounds.now() };
    const hasTunnels = this.#plan({ networking, ports }).tunnels.length > 0;
    // Tables that keep guests apart are heard of also while devices fail.
    const hears = this.#isFiltered && !this.#detached;
    const heard = await resultOf(Promise.resolve(hears ? tables?.watch(repair, hasTunnels) : undefined));
    for (const { error } of [settled, heard]) if (error !== undefined) throw error;
    const [first] = this.#failures;
    if (first !== undefined)
      throw refused(`${this.#failures.length} failed, the ${first.of} ${first.id}: ${first.why}`);
  }

  #plan({ networking, ports }: Pick<Known, "ports"> & { networking: HostNetworking | null }): FabricPlan {
    const { underlay = null } = this.#parts.facts();
    const [services, closed] = [this.#services, this.#refused];
    const of = [networking, underlay, services, ...closed, ...ports.values()];
    if (this.#planned?.of.length !== of.length || this.#planned.of.some((one, at) => one !== of[at])) {
      const given = { networking, ports: [...ports.values()], services };
      this.#planned = { of, plan: planOf({ ...given, underlay, closed }) };
    }
    return this.#planned.plan;
  }

  /** One verb after another: each of them may change the one fabric. */
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
    const { files, picture, rounds, log } = this.#parts;
    await this.#begin();
    await files.removeLeftovers();
    const records = await files.read();
    const ports = new Map(records.map((record) => [record.portId, record]));
    this.#ports = ports;
    const known: Known = { networking: await picture.read(), ports };
    await this.#settleAll(known, never).catch((error: unknown) =>
      log.warn({ error: String(error) }, "the host's network is not as it was left"),
    );
    rounds.start((signal) => this.#inTurn(signal, (now) => this.#settleAll(now, signal)));
    return known;
  }
}

const holdingOf = ({ portId, instanceId, ownerEpoch }: PortRecord): Holding => ({
  ...{ instanceId, ownerEpoch, what: `tap ${tapName(portId)}` },
});

const refused = (message: string): StatusError => new StatusError("hypervisorRefused", message);
