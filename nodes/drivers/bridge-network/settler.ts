/**
 * Makes a fabric what its plan says, whatever it was before, and proves it by another look. A tap whose
 * hypervisor has opened it comes into the fabric here, also one whose agent died between the two.
 */
import type { NetworkFailure } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { isAbort } from "../waiting.ts";
import {
  carryOut,
  look,
  lookAmongPlugs,
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
import type { SeenLink } from "./seen.ts";
import { isDone, type Steps, stepsBetween } from "./steps.ts";
import { TunnelGuard } from "./tunnel-guard.ts";

export class Settler {
  readonly #fabric: Fabric;
  readonly #guard: TunnelGuard;
  readonly #log: Log;
  /** Names of the devices that the last look found unplanned. */
  #unwanted = { fabric: new Set<string>(), plugs: new Set<string>() };

  constructor(fabric: Fabric, log: Log) {
    this.#fabric = fabric;
    this.#guard = new TunnelGuard(fabric);
    this.#log = log;
  }

  /**
   * Answers what stays otherwise than planned, while the rest is done. @throws StatusError hypervisorRefused
   * when nothing of the plan is to blame; AbortError
   */
  async settle(plan: FabricPlan, signal: AbortSignal): Promise<readonly NetworkFailure[]> {
    const unguarded = await this.#guardTunnels(plan);
    const open = unguarded.length === 0 ? plan : { ...plan, tunnels: [] };
    const steps = stepsBetween(open, await look(this.#fabric));
    const failures = isDone(steps) ? [] : await this.#carryOut(open, steps, signal);
    await this.#removeOrphans(steps.orphans);
    return [...unguarded, ...failures];
  }

  /** A tunnel whose senders cannot be checked is not made: answers such tunnels as failures. */
  async #guardTunnels(plan: FabricPlan): Promise<readonly NetworkFailure[]> {
    try {
      await this.#guard.settle(plan);
      return [];
    } catch (error) {
      if (isAbort(error) || plan.tunnels.length === 0) throw error;
      const { message } = StatusError.from(error, "Guarding tunnels");
      return plan.tunnels.map(({ networkId: id }) => ({ of: "tunnel", id, why: message }));
    }
  }

  /** The agent ends; `guests`: and so do they, and the fabric. */
  async detach(guests: boolean): Promise<void> {
    if (!guests) return;
    await this.#guard.end().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, "rules about other hosts' senders stay on this computer");
    });
  }

  async #carryOut(plan: FabricPlan, steps: Steps, signal: AbortSignal): Promise<readonly NetworkFailure[]> {
    const complaints = await carryOut(steps, this.#fabric, signal);
    const left = stepsBetween(plan, await look(this.#fabric));
    if (isDone(left)) return [];
    const { failures, others } = blameFor(plan, left, complaints);
    if (others.length > 0) {
      const detail = [complaints, ...others.slice(0, 3)].join("\n").slice(0, 1_000);
      throw new StatusError("hypervisorRefused", "The host's network is not as its picture says.", {
        detail,
      });
    }
    await this.#cut(plan, failures);
    return failures;
  }

  /** A tunnel that is half made leads nowhere. */
  async #cut({ tunnels }: FabricPlan, failures: readonly NetworkFailure[]): Promise<void> {
    const cut = new Set(failures.flatMap(({ of, id }) => (of === "tunnel" ? [id] : [])));
    await removeDevices(
      tunnels.flatMap(({ name, networkId }) => (cut.has(networkId) ? [name] : [])),
      this.#fabric,
    );
  }

  /** Takes taps that were opened into the fabric. Those that nobody plans go, after a second look. */
  async takeOpened({ taps }: FabricPlan): Promise<void> {
    const wanted = new Set(taps.map(({ name }) => name));
    const plugs = [...(await lookAmongPlugs(this.#fabric)).values()].filter(({ name }) => isOwnDevice(name));
    const opened = plugs.filter(({ name, hasCarrier }) => wanted.has(name) && hasCarrier);
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
    this.#unwanted.fabric = new Set(orphans);
  }

  /**
   * Makes the tap where hypervisors open taps. A tap that a process of this user has open stays where it is,
   * unless `anew`. @throws StatusError hypervisorRefused
   */
  async ensureTap(name: string, userId: number, anew: boolean): Promise<void> {
    const [link, plug] = await this.#find(name);
    if (!anew && isTap(link, userId) && (link?.hasCarrier === true || link?.isUp === false)) return;
    if (link !== undefined) await removeDevices([name], this.#fabric);
    if (!anew && isTap(plug, userId)) return;
    if (plug !== undefined) await removePlugs([name], this.#fabric);
    await makeTap(name, userId, this.#fabric);
  }

  /** @throws StatusError hypervisorRefused when no hypervisor has opened it */
  async moveTap(name: string): Promise<void> {
    const link = (await lookAmongPlugs(this.#fabric)).get(name);
    if (link?.hasCarrier === true) {
      await moveTaps([link], this.#fabric);
      return;
    }
    if (link === undefined && (await lookAtLinks(this.#fabric)).has(name)) return;
    const message = `No hypervisor has opened the tap ${name} on the host.`;
    throw new StatusError("hypervisorRefused", message);
  }

  /** @throws StatusError hypervisorRefused when it stays */
  async removeTap(name: string): Promise<void> {
    const [link, plug] = await this.#find(name);
    if (link !== undefined) await removeDevices([name], this.#fabric);
    if (plug !== undefined) await removePlugs([name], this.#fabric);
    if (link === undefined && plug === undefined) return;
    if ((await this.#find(name)).some((one) => one !== undefined))
      throw new StatusError("hypervisorRefused", `The tap ${name} could not be removed from the host.`);
  }

  /** The tap in the fabric, and where hypervisors open taps. */
  async #find(name: string) {
    const looks = [lookAtLinks(this.#fabric), lookAmongPlugs(this.#fabric)] as const;
    const [inside, outside] = await Promise.all(looks);
    return [inside.get(name), outside.get(name)] as const;
  }
}

const isTap = (link: SeenLink | undefined, userId: number): boolean =>
  link?.kind === "tun" && link.userId === userId;

const seenTwice = (now: readonly string[], before: ReadonlySet<string>): readonly string[] =>
  now.filter((name) => before.has(name));
