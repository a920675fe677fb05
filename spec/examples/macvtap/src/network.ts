/**
 * The network port by macvtap: a guest is plugged into a device of the computer, and so into the operator's
 * own network. Linux remembers the ports, as macvtaps with a name and an alias; the applied picture is in a
 * file. Everything else is compared with these two, again and again, and nothing is believed because it was
 * done once. Nothing is filtered here, so that nothing passes a port that is to be filtered.
 */
import {
  type Clock,
  type Holding,
  type HostNetworking,
  type KeptPorts,
  type Log,
  type Macvtap,
  type Network,
  type NetworkFacts,
  type PortSpec,
  StatusError,
} from "novact/plugin";
import { lackOf, tryDevices } from "./begin.ts";
import type { Kernel } from "./kernel.ts";
import { aliasOf, nameOf, ownerOf } from "./names.ts";
import { deviceOf, type MacvtapOptions } from "./options.ts";
import type { PictureFile } from "./picture-file.ts";
import { type Applied, appliedOf, changesOf, type OwnMacvtap, ownAmong } from "./plan.ts";
import { Rounds } from "./rounds.ts";

export interface MacvtapNetworkParts {
  readonly hostId: string;
  readonly options: MacvtapOptions;
  readonly kernel: Kernel;
  readonly picture: PictureFile;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: as the computer is. */
  readonly lack?: () => string | undefined;
}

export class MacvtapNetwork implements Network {
  readonly kind = "network";
  readonly #parts: MacvtapNetworkParts;
  readonly #rounds: Rounds;
  #beginning: Promise<void> | undefined;
  /** Null: none has come yet. Undefined: it was lost, and what passes stays as it is. */
  #applied: Applied | null | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Ids of ports of which was told that they stay closed. */
  readonly #told = new Set<string>();
  /** What the last look saw begun and not finished. */
  #begun: ReadonlySet<string> = new Set();

  constructor(parts: MacvtapNetworkParts) {
    this.#parts = parts;
    this.#rounds = new Rounds(parts);
  }

  async facts(): Promise<NetworkFacts> {
    await this.#begin();
    const { options, kernel } = this.#parts;
    const sizes = Object.values(options.devices).map((device) => kernel.mtuBytesOf(device) ?? 0);
    return {
      ...{ kind: "macvtap", mtuBytesMax: Math.min(...sizes), spansHosts: true },
      ...{ physicalNetworks: Object.keys(options.devices), overlays: false, filters: false, hotPlug: false },
    };
  }

  ensurePort(port: PortSpec, signal: AbortSignal): Promise<Macvtap> {
    return this.#inTurn(signal, async () => {
      const { kernel, hostId } = this.#parts;
      const device = this.#deviceFor(port);
      const [owner, name] = [ownerOf(hostId, port), nameOf(hostId, port.portId)];
      const there = await this.#atName(name);
      if (there !== undefined && there.owner.portId !== port.portId) throw taken(name);
      const known = there?.owner.instanceId === port.instanceId ? there : undefined;
      if (known !== undefined && known.owner.ownerEpoch > port.ownerEpoch)
        throw new StatusError("staleEpoch", `The port ${port.portId} belongs to a newer epoch.`);
      if (known?.owner.ownerEpoch === port.ownerEpoch && known.device === device)
        return { kind: "macvtap", path: await kernel.fileOf(name), mac: known.mac, mtuBytes: known.mtuBytes };
      refuseLarge(port, kernel.mtuBytesOf(device) ?? 0);
      const { mac, mtuBytes } = port;
      // A hypervisor of another life of the port is cut off here.
      await kernel.remove([name]);
      await kernel.make({ name, device, mac, mtuBytes, alias: aliasOf(owner) });
      return { kind: "macvtap", path: await kernel.fileOf(name), mac, mtuBytes };
    });
  }

  plugged(portId: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async () => {
      const { kernel, hostId } = this.#parts;
      const name = nameOf(hostId, portId);
      if ((await this.#atName(name))?.owner.portId !== portId)
        throw refused(`There is no port ${portId} on this host.`);
      if (!(await kernel.isOpen(await kernel.fileOf(name))))
        throw refused(`No hypervisor has opened the macvtap ${name} on the host.`);
      if (this.#applied?.ports.some((port) => port.portId === portId && port.isFiltered))
        throw refused(`The port ${portId} has portSecurity, and this host filters nothing.`);
      await this.#settle();
    });
  }

  releasePort(portId: string, ownerEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#releaseThose(
      signal,
      ({ owner }) => owner.portId === portId && owner.ownerEpoch <= ownerEpoch,
    );
  }

  releaseOthers({ instanceId, ownerEpoch, portIds }: KeptPorts, signal: AbortSignal): Promise<void> {
    return this.#releaseThose(
      signal,
      ({ owner }) =>
        owner.instanceId === instanceId && owner.ownerEpoch <= ownerEpoch && !portIds.includes(owner.portId),
    );
  }

  release({ what, instanceId, ownerEpoch }: Holding, signal: AbortSignal): Promise<void> {
    return this.#releaseThose(
      signal,
      (one) =>
        holdingOf(one).what === what &&
        one.owner.instanceId === instanceId &&
        one.owner.ownerEpoch <= ownerEpoch,
    );
  }

  apply(networking: HostNetworking, signal: AbortSignal): Promise<number> {
    return this.#inTurn(signal, async () => {
      const { picture, options } = this.#parts;
      const wanted = appliedOf(networking, options);
      const isNewest = (this.#applied?.version ?? 0) <= wanted.version;
      const applied = isNewest || !this.#applied ? wanted : this.#applied;
      const lost = await failureOf(applied === wanted ? picture.write(wanted) : Promise.resolve());
      this.#applied = applied;
      await this.#settle();
      await this.#tellFiltered(applied);
      // A full disk keeps no port open; but the picture is not kept, and so it was not applied.
      if (lost !== undefined) throw lost.error;
      return applied.version;
    });
  }

  /** Macvtaps need no process of ours. */
  async detach(): Promise<void> {
    this.#rounds.stop();
    await this.#last.catch(() => undefined);
  }

  list(): Promise<readonly Holding[]> {
    return this.#inTurn(new AbortController().signal, async () => (await this.#own()).map(holdingOf));
  }

  #releaseThose(signal: AbortSignal, isOne: (one: OwnMacvtap) => boolean): Promise<void> {
    return this.#inTurn(signal, async () => {
      const { kernel } = this.#parts;
      const names = (await this.#own()).filter(isOne).map(({ name }) => name);
      if (names.length === 0) return;
      await kernel.remove(names);
      const left = (await this.#own()).filter(({ name }) => names.includes(name));
      if (left.length > 0) throw refused("A macvtap could not be removed from the host.");
      await this.#settle();
    });
  }

  /** Makes all of the host's macvtaps what the picture says, and proves it by another look. */
  async #settle(): Promise<void> {
    const { kernel, hostId, log } = this.#parts;
    const { own, begun } = ownAmong(await kernel.macvtaps(), hostId);
    const left = begun.flatMap(({ name }) => (this.#begun.has(name) ? [name] : []));
    await kernel.remove(left);
    if (left.length > 0)
      log.info({ names: left }, "macvtaps that were begun and never finished were removed");
    this.#begun = new Set(begun.map(({ name }) => name));
    await kernel.keepFiles(new Set(own.map(({ name }) => name)));
    // Not known: what passes stays as it is.
    if (this.#applied === undefined) return;
    const applied = this.#applied ?? nothing;
    const changes = changesOf(own, applied);
    if (changes.length === 0) return;
    await kernel.change(changes);
    const wrong = changesOf(await this.#own(), applied);
    if (wrong.length === 0) return;
    const detail = wrong.slice(0, 3).map((change) => JSON.stringify(change));
    throw new StatusError("hypervisorRefused", "The host's macvtaps are not as the picture says.", {
      detail: detail.join(", "),
    });
  }

  async #tellFiltered({ ports }: Applied): Promise<void> {
    const filtered = new Set(ports.flatMap(({ portId, isFiltered }) => (isFiltered ? [portId] : [])));
    if (filtered.size === 0) return;
    for (const { owner } of await this.#own()) {
      const { portId, instanceId } = owner;
      if (!filtered.has(portId) || this.#told.has(portId)) continue;
      this.#told.add(portId);
      this.#parts.log.warn(
        { portId, instanceId },
        "a port with portSecurity stays closed: nothing filters here",
      );
    }
  }

  async #own(): Promise<readonly OwnMacvtap[]> {
    return ownAmong(await this.#parts.kernel.macvtaps(), this.#parts.hostId).own;
  }

  /** Undefined: there is none, or one that was begun and not finished. @throws hypervisorRefused */
  async #atName(name: string): Promise<OwnMacvtap | undefined> {
    const seen = (await this.#parts.kernel.macvtaps()).filter((one) => one.name === name);
    const { own, begun } = ownAmong(seen, this.#parts.hostId);
    if (own.length + begun.length < seen.length) throw taken(name);
    return own[0];
  }

  /** @throws StatusError hypervisorRefused */
  #deviceFor({ physicalNetwork, networkId }: PortSpec): string {
    if (physicalNetwork === undefined)
      throw refused(`The network ${networkId} is on no physical network, and this host has no others.`);
    const device = deviceOf(this.#parts.options, physicalNetwork);
    if (device === undefined)
      throw refused(`The host has no device on the physical network ${physicalNetwork}.`);
    return device;
  }

  /** One verb after another. */
  #inTurn<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    const turn = async () => {
      signal.throwIfAborted();
      await this.#begin();
      return act();
    };
    const run = this.#last.then(turn, turn);
    this.#last = run;
    return run;
  }

  #begin(): Promise<void> {
    this.#beginning ??= this.#open().catch((error: unknown) => {
      this.#beginning = undefined;
      throw error;
    });
    return this.#beginning;
  }

  async #open(): Promise<void> {
    const { kernel, options, hostId, picture, log, lack = lackOf } = this.#parts;
    const lacking = lack();
    if (lacking !== undefined) throw refused(lacking);
    await tryDevices(kernel, options, hostId);
    this.#applied = await picture.read();
    await this.#settle().catch((error: unknown) =>
      log.warn({ error: String(error) }, "the host's macvtaps are not as they were left"),
    );
    this.#rounds.start(() => this.#inTurn(new AbortController().signal, () => this.#settle()));
  }
}

const nothing: Applied = { version: 0, ports: [] };

const failureOf = (act: Promise<void>): Promise<{ readonly error: unknown } | undefined> =>
  act.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );

const holdingOf = ({ name, owner: { instanceId, ownerEpoch } }: OwnMacvtap): Holding => ({
  ...{ instanceId, ownerEpoch, what: `macvtap ${name}` },
});

const refused = (message: string): StatusError => new StatusError("hypervisorRefused", message);
const taken = (name: string): StatusError =>
  refused(`The computer has a macvtap ${name} that is somebody else's.`);

function refuseLarge({ mtuBytes }: PortSpec, most: number): void {
  if (mtuBytes > most) throw refused(`The device of the network carries ${most} bytes at most.`);
}
