/**
 * The newest observations of a host's machines, and which of them controllers do not have yet. Only the
 * newest observation of a machine counts, so nothing queues up here however long nobody listens. It must
 * never forget an observation that is not stored.
 *
 * A plain, deterministic data structure in memory: no clock, no I/O. The `gone` of an older owner epoch is
 * reported before its successor's observations.
 */
import type { Observation } from "../../../protocol/machine.ts";
import type { MachineState } from "../../../protocol/states.ts";
import { hostLimits } from "./limits.ts";

const passing: ReadonlySet<MachineState> = new Set(["preparing", "starting", "stopping"]);

export function isPassingState(state: MachineState): boolean {
  return passing.has(state);
}

/**
 * When to report an observation. `now`: controllers do not know it, and it will last. `whenOld`: the state is
 * a passing one, to be reported only if it lasts. `nextPeriod`: the answer to a controller's question reports
 * it as well.
 */
export type Due = "now" | "whenOld" | "nextPeriod";

export class Ledger {
  /** By instance: the newest observation of each owner epoch, oldest owner epoch first. */
  readonly #machines = new Map<string, Observation[]>();
  /** Instances to be reported at the next opportunity, in order of their changes. */
  readonly #changed = new Set<string>();
  /** Instances in a passing state: reported when it has lasted for two calls of `ripen`. */
  #young = new Set<string>();
  #older = new Set<string>();
  /**
   * Instances whose observation was reported and not stored, or told in an answer and not yet known to be
   * stored: reported again in the next period, not at once.
   */
  readonly #refused = new Set<string>();
  /** Instances that are gone, with the newest owner epoch and generation that were asked of them. */
  readonly #tombstones = new Map<string, Tombstone>();

  put(observation: Observation, due: Due): void {
    const { instanceId, ownerEpoch } = observation;
    const known = this.#machines.get(instanceId) ?? [];
    const others = known.filter((other) => other.ownerEpoch !== ownerEpoch);
    this.#machines.set(
      instanceId,
      [...others, observation].sort((one, other) => one.ownerEpoch - other.ownerEpoch),
    );
    this.#forget(instanceId);
    // The older owner epoch's observation comes first, and no answer has told it: do not wait for the next
    // period.
    this.#setOf(due === "nextPeriod" && others.length > 0 ? "whenOld" : due).add(instanceId);
  }

  #setOf(due: Due): Set<string> {
    if (due === "now") return this.#changed;
    return due === "whenOld" ? this.#young : this.#refused;
  }

  /**
   * Call when time has passed: passing states older than the last call are due. True when there are younger
   * ones.
   */
  ripen(): boolean {
    for (const instanceId of this.#older) this.#changed.add(instanceId);
    this.#older = this.#young;
    this.#young = new Set();
    return this.#older.size > 0;
  }

  /** The observation of the newest owner epoch. */
  latest(instanceId: string): Observation | undefined {
    return this.#machines.get(instanceId)?.at(-1);
  }

  get size(): number {
    return this.#machines.size;
  }

  get changes(): number {
    return this.#changed.size;
  }

  /** True when controllers have everything. */
  get isStored(): boolean {
    return [this.#changed, this.#refused, this.#young, this.#older].every(({ size }) => size === 0);
  }

  /** Takes at most `max` of the observations that are due. Each must come back by `settle` or `lost`. */
  take(max: number): readonly Observation[] {
    const taken: Observation[] = [];
    for (const instanceId of this.#changed) {
      if (taken.length >= max) break;
      this.#changed.delete(instanceId);
      const first = this.#machines.get(instanceId)?.[0];
      if (first !== undefined) taken.push(first);
    }
    return taken;
  }

  /**
   * Call when a report was answered: stored observations are not reported again, and machines that are gone
   * and stored are forgotten.
   */
  settle(sent: readonly Observation[], stored: ReadonlySet<string>): void {
    for (const observation of sent) {
      const { instanceId } = observation;
      if (!stored.has(instanceId)) this.#refuse(observation);
      else this.#store(observation);
    }
  }

  /** Call when a report was not answered: its observations are due again. */
  lost(sent: readonly Observation[]): void {
    for (const observation of sent) {
      if (this.#isFirst(observation)) this.#changed.add(observation.instanceId);
    }
  }

  /** Makes observations that were not stored due again. */
  renew(): void {
    for (const instanceId of this.#refused) this.#changed.add(instanceId);
    this.#refused.clear();
  }

  /** Makes every observation due: controllers may have none of them. */
  renewAll(): void {
    for (const instanceId of this.#machines.keys()) {
      this.#forget(instanceId);
      this.#changed.add(instanceId);
    }
  }

  all(): readonly Observation[] {
    return [...this.#machines.values()].flat();
  }

  /**
   * True when every machine is stopped, failed or gone, and each of these has said so: a machine that an
   * agent has only just found has not said anything yet.
   */
  isDown(instanceIds: Iterable<string>): boolean {
    return [...instanceIds].every((id) => this.#machines.has(id)) && this.all().every(isDownNow);
  }

  /** True when none of these machines has a process, by its own observations. */
  areDown(instanceIds: Iterable<string>): boolean {
    return [...instanceIds].every((id) => (this.#machines.get(id) ?? []).every(isDownNow));
  }

  /** Remembers a tombstone; answers the instance whose tombstone was dropped because there are too many. */
  bury(instanceId: string, tombstone: Tombstone): string | undefined {
    const known = this.#tombstones.get(instanceId);
    if (known !== undefined && known.ownerEpoch > tombstone.ownerEpoch) return undefined;
    this.#tombstones.delete(instanceId);
    this.#tombstones.set(instanceId, tombstone);
    const [oldest] = this.#tombstones.keys();
    if (this.#tombstones.size <= hostLimits.tombstonesMax || oldest === undefined) return undefined;
    this.#tombstones.delete(oldest);
    return oldest;
  }

  tombstone(instanceId: string): Tombstone | undefined {
    return this.#tombstones.get(instanceId);
  }

  #forget(instanceId: string): void {
    for (const set of [this.#changed, this.#refused, this.#young, this.#older]) set.delete(instanceId);
  }

  #isFirst(observation: Observation): boolean {
    return this.#machines.get(observation.instanceId)?.[0] === observation;
  }

  #refuse(observation: Observation): void {
    const { instanceId } = observation;
    if (this.#isFirst(observation)) this.#refused.add(instanceId);
  }

  #store(observation: Observation): void {
    const { instanceId } = observation;
    if (!this.#isFirst(observation)) return;
    this.#refused.delete(instanceId);
    const rest = (this.#machines.get(instanceId) ?? []).slice(1);
    if (rest.length > 0) {
      this.#machines.set(instanceId, rest);
      this.#changed.add(instanceId);
    } else if (observation.state === "gone") {
      this.#machines.delete(instanceId);
      this.#forget(instanceId);
    }
  }
}

const isDownNow = ({ state }: Observation): boolean =>
  state === "stopped" || state === "failed" || state === "gone";

export interface Tombstone {
  readonly ownerEpoch: number;
  readonly generation: number;
}
