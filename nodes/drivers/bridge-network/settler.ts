/**
 * Makes a fabric what its plan says, whatever it was before, and proves it by another look. Between two looks
 * at everything it goes by what differs from the plan that was proved, and looks at the devices that it
 * changes; where anything is otherwise than it should be, at everything. A tap whose hypervisor has opened it
 * comes into the fabric here, also one whose agent died between the two.
 */
import type { NetworkFailure } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { isAbort } from "../waiting.ts";
import {
  carryOut,
  look,
  lookAmongPlugs,
  lookAtDevices,
  lookAtLinks,
  makeTap,
  moveTaps,
  removeDevices,
  removePlugs,
} from "./batches.ts";
import { blameFor } from "./blame.ts";
import { isOwnDevice } from "./device-names.ts";
import type { Fabric } from "./fabric.ts";
import type { FabricPlan } from "./plan.ts";
import type { Seen, SeenLink } from "./seen.ts";
import { allSettled, differing, linksWhenSettled, type Settled } from "./settled.ts";
import { isDone, type Steps, stepsBetween, touchedBy } from "./steps.ts";
import { TunnelGuard } from "./tunnel-guard.ts";

export class Settler {
  readonly #fabric: Fabric;
  readonly guard: TunnelGuard;
  readonly #log: Log;
  /** Undefined: nothing was proved, or something has failed since. */
  #settled: Settled | undefined;
  /** Names of the planned taps that the last look at everything did not find in the fabric. */
  #adrift: ReadonlySet<string> = new Set();
  /** Names of the taps of ports new to the host which no hypervisor is known to have opened. */
  readonly #awaited = new Set<string>();
  /** Names of the devices that the last look found unplanned. */
  #unwanted = { fabric: new Set<string>(), plugs: new Set<string>() };

  constructor(fabric: Fabric, log: Log) {
    this.#fabric = fabric;
    this.guard = new TunnelGuard(fabric);
    this.#log = log;
  }

  /**
   * `looks`: at everything, whatever was proved before. Answers what stays otherwise than planned, while the
   * rest is done. @throws StatusError hypervisorRefused when nothing of the plan is to blame; AbortError
   */
  async settle(wanted: FabricPlan, signal: AbortSignal, looks = true): Promise<readonly NetworkFailure[]> {
    const unguarded = await this.#guardTunnels(wanted);
    const plan = unguarded.length === 0 ? wanted : withoutTunnels(wanted);
    if (unguarded.length > 0) await this.#cut(wanted, unguarded);
    const failures = await this.#settle(plan, signal, looks);
    if (unguarded.length === 0)
      await this.guard.settled(plan).catch((error: unknown) => {
        this.#log.warn({ error: String(error) }, "tunnels that have gone are still named on this computer");
      });
    return [...unguarded, ...failures];
  }

  async #settle(plan: FabricPlan, signal: AbortSignal, looks: boolean): Promise<readonly NetworkFailure[]> {
    const before = this.#settled;
    // What is not settled to the end is looked at by the next.
    this.#settled = undefined;
    if (!looks && before !== undefined) {
      this.#settled = await this.#settleDifference(plan, before, signal);
      if (this.#settled !== undefined) return [];
    }
    const seen = await look(this.#fabric);
    const steps = stepsBetween(plan, seen);
    const { links, failures } = isDone(steps)
      ? { ...seen, failures: [] }
      : await this.#carryOut(plan, steps, signal);
    this.#adrift = new Set(plan.taps.flatMap(({ name }) => (links.has(name) ? [] : [name])));
    await this.#removeOrphans(steps.orphans);
    if (failures.length === 0) this.#settled = allSettled(plan, new Set(links.keys()));
    return failures;
  }

  /** A tunnel whose senders cannot be checked is not made: answers such tunnels as failures. */
  async #guardTunnels(plan: FabricPlan): Promise<readonly NetworkFailure[]> {
    try {
      await this.guard.settle(plan);
      return [];
    } catch (error) {
      if (isAbort(error) || plan.tunnels.length === 0) throw error;
      const { message } = StatusError.from(error, "Guarding tunnels");
      return plan.tunnels.map(({ networkId: id }) => ({ of: "tunnel", id, why: message }));
    }
  }

  /** The agent ends; `guests`: and so do they, and the fabric. */
  async detach(guests: boolean): Promise<void> {
    // The rules in a namespace of the underlay go with the namespace.
    if (!guests || this.#fabric.underlay !== undefined) return;
    await this.guard.end().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, "rules about other hosts' senders stay on this computer");
    });
  }

  /** Undefined: something is not as it was proved to be, or cannot be proved without a look at everything. */
  async #settleDifference(
    plan: FabricPlan,
    before: Settled,
    signal: AbortSignal,
  ): Promise<Settled | undefined> {
    await this.#removeLeftovers(plan);
    const wanted = allSettled(plan, new Set([...before.taps, ...before.arrived]));
    const { plan: different, seen } = differing(plan, before);
    const steps = stepsBetween(different, seen);
    if (steps.before.length > 0) return undefined;
    const left = [...this.#unwanted.fabric].filter((name) => !isPlanned(plan, name));
    const orphans = [...new Set([...steps.orphans, ...left])];
    const isReached = isDone(steps) || (await this.#isReached(wanted, steps, signal));
    if (!isReached) return undefined;
    await this.#removeOrphans(orphans);
    return wanted;
  }

  /** A network that comes back before its devices have gone has them made anew: nobody knows their state. */
  async #removeLeftovers({ bridges, tunnels, hatches }: FabricPlan): Promise<void> {
    const planned = new Set([...bridges, ...tunnels, ...hatches].map(({ name }) => name));
    const names = [...this.#unwanted.fabric].filter((name) => planned.has(name));
    await removeDevices(names, this.#fabric);
    for (const name of names) this.#unwanted.fabric.delete(name);
  }

  async #isReached({ plan, taps }: Settled, steps: Steps, signal: AbortSignal): Promise<boolean> {
    if ((await carryOut(steps, this.#fabric, signal)) !== "") return false;
    const touched = await lookAtDevices(touchedBy(steps), (...of) => this.#fabric.run(...of));
    if (touched === undefined) return false;
    // Entries are as the tools were told when these complain of nothing.
    const links = new Map([...linksWhenSettled(plan, taps), ...touched]);
    return isDone(stepsBetween({ ...plan, ...noEntries }, { links, ...noEntries }));
  }

  async #carryOut(plan: FabricPlan, steps: Steps, signal: AbortSignal) {
    const complaints = await carryOut(steps, this.#fabric, signal);
    const { links, ...entries } = await look(this.#fabric);
    const left = stepsBetween(plan, { links, ...entries });
    if (isDone(left)) return { links, failures: [] };
    const { failures, others } = blameFor(plan, left, complaints);
    if (others.length > 0) {
      const detail = [complaints, ...others.slice(0, 3)].join("\n").slice(0, 1_000);
      throw new StatusError("hypervisorRefused", "The host's network is not as its picture says.", {
        detail,
      });
    }
    await this.#cut(plan, failures);
    return { links, failures };
  }

  /** A tunnel that is half made leads nowhere, and neither does a hatch. */
  async #cut({ tunnels, hatches }: FabricPlan, failures: readonly NetworkFailure[]): Promise<void> {
    const named = (devices: readonly { name: string; networkId: string }[], what: NetworkFailure["of"]) => {
      const cut = new Set(failures.flatMap(({ of, id }) => (of === what ? [id] : [])));
      return devices.flatMap(({ name, networkId }) => (cut.has(networkId) ? [name] : []));
    };
    const names = [...named(tunnels, "tunnel"), ...named(hatches, "responder")];
    await removeDevices(names, this.#fabric);
  }

  /** Takes taps that were opened into the fabric. Those that nobody plans go, after a second look. */
  async takeOpened({ taps }: FabricPlan): Promise<void> {
    const wanted = new Set(taps.map(({ name }) => name));
    const plugs = [...(await lookAmongPlugs(this.#fabric)).values()].filter(({ name }) => isOwnDevice(name));
    const opened = plugs.filter(({ name, hasCarrier }) => wanted.has(name) && hasCarrier);
    for (const { name } of opened) this.#awaited.delete(name);
    const complaints = await moveTaps(opened, this.#fabric);
    if (complaints !== "") this.#log.warn({ complaints }, "a tap could not be moved to the host's network");
    const unwanted = plugs.flatMap(({ name }) => (wanted.has(name) ? [] : [name]));
    await removePlugs(seenTwice(unwanted, this.#unwanted.plugs), this.#fabric);
    this.#unwanted.plugs = new Set(unwanted);
  }

  async #removeOrphans(orphans: readonly string[]): Promise<void> {
    const names = seenTwice(orphans, this.#unwanted.fabric);
    await removeDevices(names, this.#fabric);
    if (names.length > 0) this.#log.info({ names }, "devices that no network needs were removed");
    this.#unwanted.fabric = new Set(orphans.filter((name) => !names.includes(name)));
  }

  /**
   * Makes the tap where hypervisors open taps. A tap that a process of this user has open stays where it is,
   * unless `anew`. @throws StatusError hypervisorRefused
   */
  async ensureTap(name: string, userId: number, anew: boolean): Promise<void> {
    const [link, plug] = await this.#find(name);
    if (anew) this.#awaited.add(name);
    if (!anew && isTap(link, userId) && (link?.hasCarrier === true || link?.isUp === false)) return;
    if (link !== undefined) await this.#removeFromFabric(name);
    if (!anew && isTap(plug, userId)) return;
    if (plug !== undefined) await removePlugs([name], this.#fabric);
    await makeTap(name, userId, this.#fabric);
  }

  /** @throws StatusError hypervisorRefused when no hypervisor has opened it */
  async moveTap(name: string): Promise<void> {
    this.#awaited.delete(name);
    const [link, plug] = await this.#find(name);
    if (plug?.hasCarrier === true) {
      // Whether it has come is seen by the look at it.
      await moveTaps([plug], this.#fabric);
      this.#forgetTap(name);
      return this.#arrived(name);
    }
    if (plug === undefined && link !== undefined) return this.#arrived(name);
    const message = `No hypervisor has opened the tap ${name} on the host.`;
    throw new StatusError("hypervisorRefused", message);
  }

  /** A tap that has just come has nothing of its plan yet. */
  #arrived(name: string): void {
    this.#adrift = new Set([...this.#adrift].filter((one) => one !== name));
    const settled = this.#settled;
    if (settled === undefined || settled.taps.has(name)) return;
    this.#settled = { ...settled, arrived: new Set([...settled.arrived, name]) };
  }

  /** With all that the fabric knows of it. */
  async #removeFromFabric(name: string): Promise<void> {
    this.#forgetTap(name);
    await removeDevices([name], this.#fabric);
  }

  #forgetTap(name: string): void {
    const settled = this.#settled;
    const without = (names: ReadonlySet<string>) => new Set([...names].filter((one) => one !== name));
    this.#settled = settled && {
      ...{ plan: settled.plan, taps: without(settled.taps), arrived: without(settled.arrived) },
    };
  }

  /** @throws StatusError hypervisorRefused when it stays */
  async removeTap(name: string): Promise<void> {
    this.#awaited.delete(name);
    const [link, plug] = await this.#find(name);
    if (link !== undefined) await this.#removeFromFabric(name);
    if (plug !== undefined) await removePlugs([name], this.#fabric);
    if (link === undefined && plug === undefined) return;
    if ((await this.#find(name)).some((one) => one !== undefined))
      throw new StatusError("hypervisorRefused", `The tap ${name} could not be removed from the host.`);
  }

  /** The tap in the fabric, and where hypervisors open taps. */
  async #find(name: string) {
    const fabric = this.#fabric;
    const one = async (run: Fabric["run"], all: () => Promise<Seen["links"]>) =>
      ((await lookAtDevices([name], run)) ?? (await all())).get(name);
    return Promise.all([
      one(
        (...of) => fabric.run(...of),
        () => lookAtLinks(fabric),
      ),
      one(
        (...of) => fabric.runAmongPlugs(...of),
        () => lookAmongPlugs(fabric),
      ),
    ]);
  }

  /**
   * Whether the tap is not where packets pass, as far as is known. One that waits for its first hypervisor is
   * none that a guest has lost; one that was made again for a guest that runs may be.
   */
  isAdrift(name: string): boolean {
    return this.#adrift.has(name) && !this.#awaited.has(name);
  }

  /** What is known of the fabric without a look at it. */
  get settled(): Settled | undefined {
    return this.#settled;
  }
}

const isPlanned = (plan: FabricPlan, name: string): boolean =>
  [...plan.bridges, ...plan.tunnels, ...plan.hatches, ...plan.routerPorts, ...plan.taps].some(
    (one) => one.name === name,
  );

const noEntries = { places: [], neighbours: [], routes: [] };

const isTap = (link: SeenLink | undefined, userId: number): boolean =>
  link?.kind === "tun" && link.userId === userId;

const seenTwice = (now: readonly string[], before: ReadonlySet<string>): readonly string[] =>
  now.filter((name) => before.has(name));

/** The plan without tunnels, and without the ports behind these. */
function withoutTunnels(plan: FabricPlan): FabricPlan {
  const tunnels = new Set(plan.tunnels.map(({ name }) => name));
  return { ...plan, tunnels: [], places: plan.places.filter(({ device }) => !tunnels.has(device)) };
}
