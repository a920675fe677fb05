/**
 * Random lives of one instance against a model of its hosts: whatever a user asks, in whatever order reports
 * come, late, doubled or never, the end is the last intent, and no claim is left that should not be.
 */
import { expect } from "chai";
import fc from "fast-check";
import { admissionCommands } from "../../../../actors/control/instance/admission.ts";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { InstanceEffect, InstanceEvent } from "../../../../actors/control/instance/messages.ts";
import { settledOf, stateOf } from "../../../../actors/control/instance/state.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import { command, newborn } from "../../../support/instances.ts";

const unleased = { leaseEpoch: 0, storageId: null, numa: null };

type Step =
  | { readonly kind: "command"; readonly index: number }
  | { readonly kind: "deliver" | "repeat" | "lose" | "reconcile" | "die" | "move"; readonly fail: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("command" as const), index: fc.nat(admissionCommands.length - 1) }),
  fc.record({
    kind: fc.constantFrom(
      "deliver" as const,
      "repeat" as const,
      "lose" as const,
      "reconcile" as const,
      "die" as const,
      "move" as const,
    ),
    fail: fc.boolean(),
  }),
);

/** Model hosts: each carries out its messages in the order of their arrival. */
class Model {
  loaded: LoadedInstance = newborn();
  effects: InstanceEffect[] = [];
  readonly machines = new Map<string, Observation>();
  readonly reports: { hostId: string; observation: Observation }[] = [];
  #hosts = 0;
  #nowMs = 1_000;

  apply(event: InstanceEvent): void {
    const before = this.loaded.instance;
    const { next, commit, effects } = decide(this.loaded, event);
    if (commit !== undefined) {
      expect(next.instance.version).to.equal(before.version + 1);
      expect(next.instance.generation).to.be.at.least(before.generation);
      expect(next.instance.state).to.equal(stateOf(next));
      expect(next.instance.settled).to.equal(settledOf(next));
      expect(next.instance.operationId).to.equal(next.operation?.id ?? null);
    }
    this.loaded = next;
    this.effects.push(...effects);
  }

  now(): number {
    this.#nowMs += 10;
    return this.#nowMs;
  }

  run(effect: InstanceEffect, fail: boolean): void {
    if (effect.kind === "place") {
      // The host where room is kept, or another host if that one cannot take the instance.
      const placement = { ...this.#room(), ...(effect.keptOn && !fail ? { hostId: effect.keptOn } : {}) };
      const { ownerEpoch } = this.loaded.instance;
      this.apply({ kind: "placed", placement, ownerEpoch, nowMs: this.now() });
      return;
    }
    const { hostId, spec, intent } = effect;
    // A host that only keeps room is told nothing.
    expect(spec.ownerEpoch).to.be.at.most(this.loaded.instance.ownerEpoch);
    const key = `${hostId}/${spec.ownerEpoch}`;
    const known = this.machines.get(key);
    if (known !== undefined && known.intentGeneration >= intent.generation) {
      this.#report(hostId, known);
      return;
    }
    const gone = intent.power === "deleted";
    const failed = fail && intent.power === "running";
    const state = gone ? "gone" : failed ? "failed" : intent.power;
    const generation = Math.max(known?.generation ?? 0, effect.observedGeneration) + 1;
    const observation: Observation = {
      instanceId: "i",
      ownerEpoch: spec.ownerEpoch,
      generation,
      intentGeneration: intent.generation,
      resetCount: intent.resetCount,
      state: state === "deleted" ? "gone" : state,
      reason: failed ? "guestFailed" : "requested",
      message: "",
      address: null,
      startedAtMs: null,
      atMs: 0,
    };
    this.machines.set(key, observation);
    this.#report(hostId, observation);
  }

  #room() {
    this.#hosts += 1;
    return { kind: "host", hostId: `host-${this.#hosts}`, hostName: "x", ...unleased } as const;
  }

  /** Drains the instance's host. */
  move(): void {
    const to = this.#room();
    const hostId = this.loaded.instance.hostId ?? "none";
    this.apply({ kind: "move", hostId, to, operationId: `move-${to.hostId}`, nowMs: this.now() });
  }

  #report(hostId: string, observation: Observation): void {
    this.reports.push({ hostId, observation });
  }

  hear(report: { hostId: string; observation: Observation } | undefined): void {
    if (report !== undefined) this.apply({ kind: "observed", ...report, nowMs: this.now(), leaseEpoch: 0 });
  }

  /** Kills the process of the newest machine; its host starts another. */
  die(): void {
    for (const [key, machine] of this.machines) {
      if (machine.state !== "running") continue;
      const generation = machine.generation + 1;
      const restarted: Observation = { ...machine, generation, reason: "processLost" };
      this.machines.set(key, restarted);
      this.#report(key.split("/")[0] ?? "", restarted);
    }
  }

  reconcile(): void {
    this.apply({ kind: "reconcile", nowMs: this.now(), hostAlive: true, leaseEpoch: 0 });
  }

  /** Ends all faults: delivers everything, in order, until nothing happens any more. */
  quiet(): void {
    for (let round = 0; round < 50; round += 1) {
      while (this.effects.length > 0 || this.reports.length > 0) {
        const effect = this.effects.shift();
        if (effect !== undefined) this.run(effect, false);
        this.hear(this.reports.shift());
      }
      if (settledOf(this.loaded) && this.loaded.operation === undefined) return;
      this.reconcile();
    }
    throw new Error(`It never settles: ${JSON.stringify(this.loaded.instance)}`);
  }
}

function live(steps: readonly Step[]): Model {
  const model = new Model();
  model.reconcile();
  let commands = 0;
  for (const it of steps) {
    if (it.kind === "command") {
      commands += 1;
      model.apply(
        command(admissionCommands[it.index] ?? "start", { id: `c${commands}`, nowMs: model.now() }),
      );
    } else if (it.kind === "reconcile") model.reconcile();
    else if (it.kind === "die") model.die();
    else if (it.kind === "move") model.move();
    else if (it.kind === "lose") (it.fail ? model.effects : model.reports).shift();
    else {
      const effect = it.kind === "repeat" ? model.effects[0] : model.effects.shift();
      if (effect !== undefined) model.run(effect, it.fail);
      model.hear(it.kind === "repeat" ? model.reports[0] : model.reports.shift());
    }
  }
  model.quiet();
  return model;
}

describe("random lives of an instance", () => {
  it("end in what was asked for last, hold one claim at most, and nothing when deleted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const { loaded, machines } = live(steps);
        const { instance, claims } = loaded;
        if (instance.failure === null && instance.desired !== "deleted") {
          expect(stateOf(loaded)).to.equal(instance.desired);
        }
        if (instance.deletedAtMs !== null) expect(claims).to.deep.equal([]);
        expect(claims.length).to.be.at.most(1);
        const living = [...machines.values()].filter(({ state }) => state !== "gone");
        expect(living.length).to.equal(claims.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
