/**
 * Any order of intents, guest events, late, failing and aborted work, host leases that lapse, crashes and
 * agent restarts: the machine ends where the newest intent says, does one piece of work at a time, and never
 * starts a process beside another one.
 */
import { expect } from "chai";
import fc from "fast-check";
import { type Decision, decide, introduce } from "../../../../actors/node/machine/decide.ts";
import { type MachineFile, revive } from "../../../../actors/node/machine/file.ts";
import { type Lease, noLease } from "../../../../actors/node/machine/lease.ts";
import type {
  EnsureRequest,
  GuestFacts,
  MachineEvent,
  Outcome,
} from "../../../../actors/node/machine/messages.ts";
import { isStillWanted, nextStep } from "../../../../actors/node/machine/plan.ts";
import {
  type Machine,
  type MachineState,
  type Work,
  wantsUp,
} from "../../../../actors/node/machine/state.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import { at, blank, ensure, known } from "./worlds.ts";

const held: Lease = { kind: "held", leaseEpoch: 1 };

type Process = "none" | "running" | "paused" | "down";
type Step =
  | {
      kind: "ensure";
      power: "running" | "paused" | "stopped" | "deleted";
      hard: boolean;
      reset: boolean;
      newer: number;
      ownerEpoch: number;
    }
  | { kind: "guest"; event: "paused" | "resumed" | "shutdown" | "reset" | "panicked" | "lost" }
  | { kind: "settle"; how: "done" | "failed" | "early"; leaves: boolean }
  | { kind: "lease"; to: "held" | "lapsed" }
  | { kind: "prepared" | "timer" | "agentRestart" | "hostBoot" };

/** A host with one machine: the process as it really is, and the work that was begun on it. */
class World {
  state: MachineState = blank;
  process: Process = "none";
  file: MachineFile | undefined;
  readonly published: Observation[] = [];
  newest: EnsureRequest | undefined;
  /** Another host may take the guest over: it runs only under a host lease. */
  readonly #leased: boolean;
  #lease: Lease = held;
  #nowMs = 0;

  constructor(leased: boolean) {
    this.#leased = leased;
  }

  get work(): Work | undefined {
    return this.state.kind === "known" ? this.state.work : undefined;
  }

  send(event: MachineEvent): Decision {
    const workBefore = this.work;
    const decision = decide(this.state, event);
    if (decision.save !== undefined) this.file = decision.save;
    this.#take(decision);
    const begun = decision.effects.filter(({ kind }) => kind === "startWork");
    if (workBefore !== undefined && event.kind !== "settled") expect(begun).to.have.length(0);
    expect(begun.length).to.be.at.most(1);
    // A machine that waits for the guest's answer has a timer for that, or it would wait for ever.
    const { next } = decision;
    if (next.kind === "known" && next.button?.kind === "pressed") expect(next.wait?.kind).to.equal("button");
    return decision;
  }

  #take(decision: Decision): void {
    this.state = decision.next;
    for (const effect of decision.effects) {
      if (effect.kind === "publish") this.#publish(effect.observation);
    }
    const { work } = this;
    if (this.state.kind !== "known" || work === undefined || work.aborted) return;
    expect(isStillWanted(work, nextStep({ ...this.state, work: undefined }))).to.equal(true);
  }

  /** Checks an observation: a machine that is down has no process, and generations only grow. */
  #publish(observation: Observation): void {
    const before = this.published.findLast(({ ownerEpoch }) => ownerEpoch === observation.ownerEpoch);
    if (before !== undefined) expect(observation.generation).to.be.greaterThan(before.generation);
    if (["stopped", "failed", "gone"].includes(observation.state)) expect(this.process).to.equal("none");
    if (observation.state === "gone") expect(this.file?.spec.ownerEpoch).to.not.equal(observation.ownerEpoch);
    this.published.push(observation);
  }

  /** Sends an `ensure` as a controller does, with the newest generation that it has seen. */
  sendEnsure(request: EnsureRequest): Decision {
    const seen = this.published.findLast(({ ownerEpoch }) => ownerEpoch === request.spec.ownerEpoch);
    const observedGeneration = seen?.generation ?? 0;
    return this.send({ kind: "ensure", request: { ...request, observedGeneration }, at: this.moment() });
  }

  moment() {
    this.#nowMs += 40_000;
    return at(this.#nowMs, this.#lease);
  }

  lease(kind: Lease["kind"]): void {
    this.#lease = { ...held, kind };
    if (this.state.kind === "known") this.send({ kind: "lease", at: this.moment() });
  }

  #asked(...[intent, more]: Parameters<typeof ensure>): EnsureRequest {
    const request = ensure(intent, more);
    if (!this.#leased) return request;
    return { ...request, spec: { ...request.spec, fence: true }, leaseEpoch: held.leaseEpoch };
  }

  ensure(step: Extract<Step, { kind: "ensure" }>): void {
    const last = this.newest;
    const ownerEpoch = (last?.spec.ownerEpoch ?? 1) + (step.ownerEpoch === 0 ? 1 : 0);
    const generation = (last?.intent.generation ?? 1) + step.newer;
    const resetCount = (last?.intent.resetCount ?? 0) + (step.reset && step.newer === 1 ? 1 : 0);
    const same = step.newer === 0 && last !== undefined && ownerEpoch === last.spec.ownerEpoch;
    const stop = { mode: step.hard ? "hard" : "graceful", timeoutMs: 1_000 } as const;
    const resetMode = step.hard ? "hard" : "soft";
    const older = last !== undefined && ownerEpoch === last.spec.ownerEpoch && step.newer < 0;
    const final = last?.intent.power === "deleted" && ownerEpoch === last.spec.ownerEpoch;
    // A deletion is the last intent of an owner epoch: no older one is a deletion.
    const power = final ? "deleted" : older && step.power === "deleted" ? "stopped" : step.power;
    const request = same
      ? last
      : this.#asked({ generation, power, resetCount, stop, resetMode }, { ownerEpoch });
    if (!older) this.newest = request;
    // The host remembers the machines that are gone and refuses for them.
    if (older && this.state.kind === "blank") return;
    const isKnown = this.#isNewerKnownThan(request);
    const { answer } = this.sendEnsure(request);
    expect(answer?.kind).to.equal(isKnown ? "denied" : "observation");
  }

  /**
   * Whether the machine knows a newer intent. A restarted agent has lost a successor, or intents after the
   * last write of its file; it never knows more than before.
   */
  #isNewerKnownThan({ spec, intent }: EnsureRequest): boolean {
    if (this.state.kind === "blank") return false;
    const { successor, ...machine } = this.state;
    const known = successor ?? machine;
    return known.spec.ownerEpoch === spec.ownerEpoch && known.intent.generation > intent.generation;
  }

  guest(event: Extract<Step, { kind: "guest" }>["event"]): void {
    if (this.process === "none") return;
    if (event !== "lost" && this.process === "down") return;
    if (event === "paused" && this.process === "paused") return;
    if (event === "resumed" && this.process === "running") return;
    const becomes = {
      paused: "paused",
      resumed: "running",
      shutdown: "down",
      panicked: "down",
      lost: "none",
    };
    if (event !== "reset") this.process = becomes[event] as Process;
    this.#tell(event);
  }

  #tell(event: Extract<Step, { kind: "guest" }>["event"]): void {
    this.send({ kind: "guest", event, at: this.moment() });
  }

  prepared(): void {
    if (this.work?.kind === "boot") this.send({ kind: "prepared", workId: this.work.id, at: this.moment() });
  }

  /** Ends work as a real hypervisor may; `leaves`: it had an effect although it failed. */
  settle(how: "done" | "failed" | "early", leaves: boolean): void {
    const { work } = this;
    if (work === undefined) return;
    if (how === "done" && work.kind === "boot") this.prepared();
    const ok = how === "done" && this.#canDo(work);
    if (ok || (leaves && this.#canDo(work))) this.#perform(work);
    // The guest's own event tells what a verb did to its CPUs, however the verb ends.
    if (work.kind === "pause" && this.process === "paused") this.#tell("paused");
    if ((work.kind === "resume" || work.kind === "reset") && this.process === "running")
      this.#tell("resumed");
    const guest = {
      ownerEpoch: known(this.state).spec.ownerEpoch,
      status: "running",
      startedAtMs: this.#nowMs,
    } as const;
    const done: Outcome = work.kind === "boot" ? { kind: "done", guest } : { kind: "done" };
    const bad: Outcome =
      how === "early" && work.aborted
        ? { kind: "aborted" }
        : { kind: "failed", reason: "hypervisorRefused", message: "No." };
    this.send({ kind: "settled", workId: work.id, outcome: ok ? done : bad, at: this.moment() });
  }

  /** Whether work can have an effect now; fails when it would start a second process. */
  #canDo(work: Work): boolean {
    switch (work.kind) {
      case "boot":
        if (this.work?.step === "preparing") return false;
        expect(this.process, "two processes").to.equal("none");
        return true;
      case "pause":
      case "resume":
      case "reset":
        return this.process === "running" || this.process === "paused";
      case "press":
        return this.process === "running";
      case "halt":
      case "release":
      case "wire":
        return true;
    }
  }

  #perform(work: Work): void {
    switch (work.kind) {
      case "boot":
      case "resume":
      case "reset":
        this.process = "running";
        break;
      case "pause":
        this.process = "paused";
        break;
      case "press":
        break;
      case "halt":
        this.process = "none";
        break;
      case "release":
        expect(this.process, "released under a living process").to.equal("none");
        this.file = undefined;
        break;
    }
  }

  timer(): void {
    const wait = this.state.kind === "known" ? this.state.wait : undefined;
    if (wait !== undefined) this.send({ kind: "timer", timerId: wait.id, at: this.moment() });
  }

  /**
   * Restarts the agent: work under way is aborted, perhaps with its effect. A reboot of the host also ends
   * the process.
   */
  restart(takesProcess: boolean): void {
    if (this.work?.kind === "boot") this.prepared();
    if (this.work !== undefined && this.#canDo(this.work)) this.#perform(this.work);
    if (takesProcess) this.process = "none";
    this.#lease = noLease;
    if (this.file === undefined) {
      this.state = blank;
      return;
    }
    const { ownerEpoch } = this.file.spec;
    const facts = { ownerEpoch, startedAtMs: this.#nowMs };
    const guest: GuestFacts | undefined =
      this.process === "none"
        ? undefined
        : { ...facts, status: this.process === "down" ? "shutdown" : this.process };
    const first = introduce(revive(this.file, guest), this.moment());
    if (first.save !== undefined) this.file = first.save;
    this.#take({ ...first, effects: [] });
    this.send({ kind: "begin", at: this.moment() });
  }

  run(step: Step): void {
    switch (step.kind) {
      case "ensure":
        this.ensure(step);
        break;
      case "guest":
        this.guest(step.event);
        break;
      case "settle":
        this.settle(step.how, step.leaves);
        break;
      case "prepared":
        this.prepared();
        break;
      case "timer":
        this.timer();
        break;
      case "lease":
        this.lease(step.to);
        break;
      case "agentRestart":
      case "hostBoot":
        this.restart(step.kind === "hostBoot");
        break;
    }
  }

  /** Ends all faults: all work is done, every timer fires. */
  calm(): void {
    this.lease("held");
    for (let turns = 0; turns < 50; turns++) {
      if (this.work !== undefined) this.settle("done", false);
      else if (this.state.kind === "known" && this.state.wait !== undefined) this.timer();
      else return;
    }
    throw new Error("the machine never comes to rest");
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("ensure" as const),
    power: fc.constantFrom("running", "running", "paused", "stopped", "deleted"),
    hard: fc.boolean(),
    reset: fc.boolean(),
    newer: fc.constantFrom(1, 1, 1, 0, -1),
    ownerEpoch: fc.integer({ min: 0, max: 12 }),
  }),
  fc.record({
    kind: fc.constant("guest" as const),
    event: fc.constantFrom("paused", "resumed", "shutdown", "reset", "panicked", "lost"),
  }),
  fc.record({
    kind: fc.constant("settle" as const),
    how: fc.constantFrom("done", "done", "done", "failed", "early"),
    leaves: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("lease" as const), to: fc.constantFrom("held", "lapsed") }),
  fc.record({ kind: fc.constantFrom("prepared", "timer", "timer", "agentRestart", "hostBoot") }),
);

/** The process that the newest intent wants; a machine at rest has none. */
function expectedProcess(machine: Machine): Process {
  const { power } = machine.intent;
  if (!wantsUp(machine)) return "none";
  return power === "paused" ? "paused" : "running";
}

describe("machine: any sequence", () => {
  it("ends where the newest intent says, with one process at most at every moment", () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const property = fc.property(
      fc.boolean(),
      fc.array(step, { maxLength: 60, size: "max" }),
      (leased, steps) => {
        const world = new World(leased);
        for (const one of steps) world.run(one);
        world.calm();
        const { newest } = world;
        if (newest === undefined) return;
        // A host that lost the machine in a restart is told again, as the reconciler would.
        world.sendEnsure(newest);
        world.calm();
        const machine = known(world.state);
        expect(machine.spec.ownerEpoch).to.equal(newest.spec.ownerEpoch);
        expect(machine.intent.generation).to.equal(newest.intent.generation);
        expect(machine.intent.power).to.equal(newest.intent.power);
        expect(world.process).to.equal(expectedProcess(machine));
        if (newest.intent.power === "deleted") expect(machine.gone).to.equal(true);
        else expect(machine.observation.state === "gone").to.equal(false);
        if (world.process !== "none") expect(machine.resetCount).to.equal(newest.intent.resetCount);
        if (!wantsUp(machine) && newest.intent.power !== "deleted" && newest.intent.power !== "stopped") {
          expect(machine.observation.reason).to.not.equal("requested");
        }
      },
    );
    fc.assert(property, { seed, numRuns: Number(process.env.RUNS ?? 1_500) });
  });
});
