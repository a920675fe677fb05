/**
 * The guard of a fake computer: the real decisions on a fake world. It outlives the agent that opened it, as
 * the real process does, and ends when the computer loses its power.
 */
import { decide, nextLookAtMs } from "../../../actors/node/guard/decide.ts";
import type { GuardAction, GuardEvent } from "../../../actors/node/guard/messages.ts";
import { beginGuard, type GuardState, toStore } from "../../../actors/node/guard/state.ts";
import type { Guard } from "../../../actors/ports/guard.ts";
import type { GuardDeed } from "../../../protocol/guard.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { Timer } from "../../../protocol/wire/transport.ts";
import type { FakeWorld } from "./world.ts";

const present = new WeakMap<FakeWorld, FakeGuardProcess>();

/** The guard of the computer; started when none lives. */
export async function openFakeGuard(world: FakeWorld): Promise<Guard> {
  return new FakeGuard(livingGuard(world));
}

/** Kills the guard of the computer; whoever has it open is told. */
export function killFakeGuard(world: FakeWorld): void {
  present.get(world)?.end();
}

function livingGuard(world: FakeWorld): FakeGuardProcess {
  const known = present.get(world);
  if (known?.lives === true) return known;
  const fresh = new FakeGuardProcess(world);
  present.set(world, fresh);
  return fresh;
}

class FakeGuardProcess {
  readonly #world: FakeWorld;
  /** The start of the computer that the guard lives in. */
  readonly #start: number;
  readonly #listeners = new Set<() => void>();
  #state: GuardState;
  #timer: Timer | undefined;
  #ended = false;

  constructor(world: FakeWorld) {
    this.#world = world;
    this.#start = world.starts;
    this.#state = beginGuard(world.guardMemory, this.#bootId, this.#nowMs);
    this.#tick();
  }

  get lives(): boolean {
    return !this.#ended && this.#world.starts === this.#start;
  }

  get #bootId(): string {
    return String(this.#start);
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }

  /** @throws Error when the guard has ended */
  extend(deadlineMs: number): void {
    if (!this.lives) throw new Error("The guard has ended.");
    this.#take({ kind: "extend", number: this.#state.number + 1, deadlineMs });
  }

  deeds(after: number): readonly GuardDeed[] {
    if (!this.lives) throw new Error("The guard has ended.");
    return this.#state.deeds.filter(({ number }) => number > after).slice(0, leaseLimits.guardDeedsPageMax);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    for (const listener of [...this.#listeners]) listener();
  }

  /** @throws Error while the guard has guests to guard */
  refuseIfBusy(): void {
    const guests = this.lives ? this.#world.fencedGuests().length : 0;
    if (guests > 0) throw new Error(`The guard still has ${guests} guests.`);
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  #tick(): void {
    this.#take({ kind: "tick", guests: this.#world.fencedGuests(), lookedAtMs: this.#nowMs });
  }

  #take(event: GuardEvent): void {
    if (!this.lives) {
      this.end();
      return;
    }
    const { next, actions } = decide(this.#state, event, this.#nowMs);
    this.#state = next;
    for (const action of actions) this.#act(action);
    this.#world.guardMemory = toStore(this.#state, this.#bootId);
    this.#timer?.cancel();
    const waitMs = nextLookAtMs(this.#state, this.#nowMs) - this.#nowMs;
    this.#timer = this.#world.clock.after(waitMs, () => this.#tick());
  }

  #act(action: GuardAction): void {
    if (action.kind === "stop") this.#world.freeze(action.guest.instanceId);
    if (action.kind === "continue") this.#world.thaw(action.guest.instanceId);
    if (action.kind === "kill") this.#world.kill(action.guest.instanceId);
    if (action.kind === "look") this.#tick();
  }
}

class FakeGuard implements Guard {
  readonly #process: FakeGuardProcess;
  readonly #onEnd: (() => void)[] = [];
  readonly #hear = () => {
    for (const listener of this.#onEnd.splice(0)) listener();
  };
  #closed = false;

  constructor(process: FakeGuardProcess) {
    this.#process = process;
    process.listen(this.#hear);
  }

  get alive(): boolean {
    return !this.#closed && this.#process.lives;
  }

  async extend(deadlineMs: number): Promise<void> {
    if (this.#closed) throw new Error("The guard was let go of.");
    this.#process.extend(deadlineMs);
  }

  async deeds(after: number): Promise<readonly GuardDeed[]> {
    return this.#process.deeds(after);
  }

  onEnd(listener: () => void): void {
    if (this.#closed) return;
    if (this.alive) this.#onEnd.push(listener);
    else listener();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#process.unlisten(this.#hear);
  }

  async end(): Promise<void> {
    this.#process.refuseIfBusy();
    await this.close();
    this.#process.end();
  }
}
