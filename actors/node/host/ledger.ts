/**
 * What the machines of a host are seen doing, and what of it controllers do not have yet. Only the newest
 * observation of a machine counts, so nothing queues up here however long nobody listens. It must never
 * forget one that is not stored.
 *
 * A plain, deterministic data structure in memory: no clock, no I/O. An older epoch's `gone` goes before its
 * successor.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { MachineState } from "../../../protocol/states.ts";

const passing: ReadonlySet<MachineState> = new Set(["preparing", "starting", "stopping"]);

export function isPassingState(state: MachineState): boolean {
  return passing.has(state);
}

/**
 * When an observation is to be reported. `now`: controllers do not know it, and it will last. `whenOld`: it
 * is about to change. `nextPeriod`: the answer to a controller's question says it as well.
 */
export type Due = "now" | "whenOld" | "nextPeriod";

export class Ledger {
  /** By instance: oldest epoch first, the newest observation of each. */
  readonly #machines = new Map<string, Observation[]>();
  /** To be reported at the next opportunity, in the order in which they changed. */
  readonly #changed = new Set<string>();
  /** Changed, but about to change again: to be reported when they have become old. */
  #young = new Set<string>();
  #older = new Set<string>();
  /**
   * Reported but not stored, for whatever reason, or told by an answer, so that controllers only have to say
   * that they have it: in the next period, not at once.
   */
  readonly #refused = new Set<string>();
  /** Instances that are gone, with the newest epoch and generation that were asked of them. */
  readonly #tombstones = new Map<string, Tombstone>();

  put(observation: Observation, due: Due): void {
    const { instanceId, epoch } = observation;
    const known = this.#machines.get(instanceId) ?? [];
    const others = known.filter((other) => other.epoch !== epoch);
    this.#machines.set(
      instanceId,
      [...others, observation].sort((one, other) => one.epoch - other.epoch),
    );
    this.#forget(instanceId);
    // What is left of an epoch before was told to nobody.
    this.#setOf(due === "nextPeriod" && others.length > 0 ? "whenOld" : due).add(instanceId);
  }

  #setOf(due: Due): Set<string> {
    if (due === "now") return this.#changed;
    return due === "whenOld" ? this.#young : this.#refused;
  }

  /** Time has passed: what was young before the last call is due. True when something is still young. */
  ripen(): boolean {
    for (const instanceId of this.#older) this.#changed.add(instanceId);
    this.#older = this.#young;
    this.#young = new Set();
    return this.#older.size > 0;
  }

  /** Of the newest epoch. */
  latest(instanceId: string): Observation | undefined {
    return this.#machines.get(instanceId)?.at(-1);
  }

  get size(): number {
    return this.#machines.size;
  }

  get changes(): number {
    return this.#changed.size;
  }

  /** Nothing is left that controllers do not have. */
  get isStored(): boolean {
    return [this.#changed, this.#refused, this.#young, this.#older].every(({ size }) => size === 0);
  }

  /**
   * The observations that are to be reported now, at most so many. Each must come back with `settle` or
   * `lost`.
   */
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

  /** A report was answered: what is stored need not be said again, and of what is gone nothing is kept. */
  settle(sent: readonly Observation[], stored: ReadonlySet<string>): void {
    for (const observation of sent) {
      const { instanceId } = observation;
      if (!stored.has(instanceId)) this.#refuse(observation);
      else this.#store(observation);
    }
  }

  /** A report was not answered. */
  lost(sent: readonly Observation[]): void {
    for (const observation of sent) {
      if (this.#isFirst(observation)) this.#changed.add(observation.instanceId);
    }
  }

  /** What was refused is due again. */
  renew(): void {
    for (const instanceId of this.#refused) this.#changed.add(instanceId);
    this.#refused.clear();
  }

  /** Controllers know nothing: everything is due. */
  renewAll(): void {
    for (const instanceId of this.#machines.keys()) {
      this.#forget(instanceId);
      this.#changed.add(instanceId);
    }
  }

  all(): readonly Observation[] {
    return [...this.#machines.values()].flat();
  }

  /** No machine is on its way, up or down. */
  get isDown(): boolean {
    return this.all().every(isDownNow);
  }

  /** None of these machines has a process, as far as they have said. */
  areDown(instanceIds: Iterable<string>): boolean {
    return [...instanceIds].every((id) => (this.#machines.get(id) ?? []).every(isDownNow));
  }

  /** Answers whose tombstone had to go, because there are too many. */
  bury(instanceId: string, tombstone: Tombstone): string | undefined {
    const known = this.#tombstones.get(instanceId);
    if (known !== undefined && known.epoch > tombstone.epoch) return undefined;
    this.#tombstones.delete(instanceId);
    this.#tombstones.set(instanceId, tombstone);
    const [oldest] = this.#tombstones.keys();
    if (this.#tombstones.size <= limits.tombstonesMax || oldest === undefined) return undefined;
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
  readonly epoch: number;
  readonly generation: number;
}
