/**
 * Fences by operators, by value: whose word is taken, what a power controller's answer is good for, and how
 * long.
 */
import { expect } from "chai";
import { decide } from "../../../../actors/control/host/decide.ts";
import { hostLimits } from "../../../../actors/control/host/limits.ts";
import type { FenceWords, HostEvent } from "../../../../actors/control/host/messages.ts";
import type { FenceProof } from "../../../../protocol/fence.ts";
import { errorBodyOf } from "../../../../protocol/wire/denials.ts";
import { hostRow, loadedHost } from "../../../support/host-rows.ts";
import * as rows from "../../../support/store-rows.ts";
import { command, look, nowMs, written } from "./worlds.ts";

const burnt = { confirm: "host-a", reason: "It burnt." };
const fence = (words: FenceWords, changes: Parameters<typeof command>[1] = {}, powered = true) =>
  command({ command: "fence", words, powered }, changes);
const denialOf = (event: HostEvent, loaded = loadedHost()) => {
  const { outcome } = decide(loaded, event);
  return outcome.kind === "denied" ? outcome.denial.reason : outcome.kind;
};
const alive = { alive: true, silentMs: 0, spaces: undefined };
const lease = { leaseEpoch: 3, renewals: 40, storage: null, fencedBy: null };
const proof = { kind: "operator", by: "x", reason: "y", confirmedName: "host-a", atMs: 1 } as const;

describe("a fence by an operator's word", () => {
  it("is denied for a wrong name, without a reason, and for a host that was heard", () => {
    expect(denialOf(fence({ confirm: "host-b", reason: "x" }))).to.equal("confirmMismatch");
    expect(denialOf(fence({ confirm: "host-a" }))).to.equal("schemaMismatch");
    expect(denialOf(fence(burnt, { seen: alive }))).to.equal("hostAlive");
    expect(denialOf(fence({ ...burnt, force: true }, { seen: alive }))).to.equal("accepted");
  });

  it("is denied when the host renewed its lease since the word, and rests on the count until then", () => {
    const since = loadedHost({ lease: { ...lease, renewals: 41 } });
    expect(denialOf(fence(burnt), since)).to.equal("hostAlive");
    const counts = [fence(burnt), fence({ ...burnt, force: true })].map(
      (event) => decide(loadedHost(), event).commit?.leasesFenced?.[0]?.renewals,
    );
    expect(counts).to.deep.equal([40, null]);
  });

  it("takes the place of a fence by silence, which stops fewer guests, and of no other", () => {
    const silence = {
      kind: "lease",
      leaseEpoch: 3,
      silentMs: 1,
      guardMs: 1,
      observedBy: "c",
      atMs: 1,
    } as const;
    const fenced = (fencedBy: FenceProof) =>
      decide(loadedHost({ lease: { ...lease, fencedBy } }), fence(burnt)).commit?.leasesFenced ?? [];
    expect(fenced(silence).map((one) => [one.leaseEpoch, one.proof.kind])).to.deep.equal([[3, "operator"]]);
    expect(fenced(proof)).to.deep.equal([]);
  });

  it("is an operation that has ended with the fence, and ends the drain in the same commit", () => {
    const draining = { atMs: 1, parallelism: 1, instances: 0, operationId: "d" };
    const loaded = loadedHost({ enabled: false, draining }, [rows.hostOperation("d", "a")]);
    const { commit, next } = decide(loaded, fence(burnt));
    expect(commit?.operations?.map(({ id, kind, state }) => [id, kind, state])).to.deep.equal([
      ["d", "drain", "failed"],
      ["new", "fence", "done"],
    ]);
    expect(next.host.draining).to.equal(null);
    expect(commit?.events?.map(({ event, operationId }) => [event, operationId])).to.deep.equal([
      ["fenced", "new"],
      ["operationEnded", "d"],
    ]);
    expect(commit?.request?.answer).to.deep.nested.include({
      "host.lease.state": "fenced",
      "operation.state": "done",
    });
  });

  it("of a fenced host changes nothing, and holds only while it is fenced", () => {
    const fenced = loadedHost({ lease: { ...lease, fencedBy: proof } });
    const { commit } = decide(fenced, fence({ ...burnt, power: true }));
    expect(commit).to.not.have.property("leasesFenced");
    expect(commit?.fencesExpected).to.deep.equal([{ hostId: "a", leaseEpoch: 3 }]);
    expect(commit?.operations?.[0]).to.include({ kind: "fence", state: "done" });
  });
});

describe("a fence by the host's power", () => {
  const asked = { confirm: "host-a", power: true };
  const begun = decide(loadedHost(), fence(asked));
  const said = { proof: { kind: "redfish", at: "https://bmc", said: "off", tookMs: 5 } } as const;
  const powered = (changes: object = {}): HostEvent => ({
    ...{ kind: "powered", operationId: "new", said, sinceMs: 10, renewals: 40, nowMs: nowMs + 5_000 },
    ...changes,
  });

  it("is denied without a power controller, and otherwise under way until that has answered", () => {
    expect(denialOf(fence(asked, {}, false))).to.equal("powerControlMissing");
    expect(written(begun)).to.deep.equal(["new: running"]);
    expect(begun.commit).to.not.have.property("leasesFenced");
    expect(begun.effects).to.deep.equal([{ kind: "switchOff", hostName: "host-a", operationId: "new" }]);
  });

  it("asked for again is the same operation", () => {
    const { commit, effects } = decide(begun.next, fence(asked, { operationId: "other" }));
    expect(commit).to.not.have.property("operations");
    expect(commit?.request?.answer).to.have.nested.property("operation.id", "new");
    expect(effects).to.deep.equal([]);
  });

  it("fences by the answer, at the count of renewals that is read after it", () => {
    const loaded = { ...begun.next, host: hostRow({ version: 9, lease: { ...lease, renewals: 44 } }) };
    const { commit } = decide(loaded, powered({ renewals: 44 }));
    expect(commit?.leasesFenced?.[0]).to.deep.include({ leaseEpoch: 3, renewals: 44 });
    expect(commit?.leasesFenced?.[0]?.proof).to.include({ kind: "power", address: "https://bmc" });
    expect(commit?.operations?.[0]).to.include({ id: "new", state: "done" });
    expect(commit?.events?.map(({ event }) => event)).to.deep.equal(["fenced", "operationEnded"]);
  });

  it("rests on no answer from before the host could have started again, or renewed, but asks once more", () => {
    const old = decide(begun.next, powered({ sinceMs: hostLimits.powerProofMs + 1 }));
    expect(old.commit).to.equal(undefined);
    expect(old.effects.map(({ kind }) => kind)).to.deep.equal(["switchOff"]);
    const renewed = decide(begun.next, powered({ renewals: 39 }));
    expect(renewed.commit).to.equal(undefined);
    expect(renewed.effects.map(({ kind }) => kind)).to.deep.equal(["switchOff"]);
    const [{ deadlineAtMs = 0 } = {}] = begun.next.operations;
    const late = { sinceMs: hostLimits.powerProofMs + 1, nowMs: deadlineAtMs + 1 };
    expect(decide(begun.next, powered(late)).commit?.operations?.[0]).to.include({ state: "failed" });
  });

  it("fails with the power controller's error, and fences nothing", () => {
    const error = errorBodyOf({ reason: "powerNotOff", message: "It is on." });
    const { commit } = decide(begun.next, powered({ said: { error } }));
    expect(commit?.operations?.[0]).to.deep.include({ state: "failed", error });
    expect(commit).to.not.have.property("leasesFenced");
  });

  it("is done when somebody else has fenced the host meanwhile", () => {
    const fenced = { ...begun.next, host: hostRow({ lease: { ...lease, fencedBy: proof } }) };
    for (const event of [powered(), look()])
      expect(decide(fenced, event).commit?.operations?.[0]).to.include({ state: "done" });
  });

  it("is left alone by other controllers for its time, then taken over, and in the end given up", () => {
    expect(decide(begun.next, look(nowMs + hostLimits.powerTakeOverMs - 1)).effects).to.deep.equal([]);
    const taken = decide(begun.next, look(nowMs + hostLimits.powerTakeOverMs));
    expect(taken.effects.map(({ kind }) => kind)).to.deep.equal(["switchOff"]);
    expect(written(taken)).to.deep.equal(["new: running: Another controller goes on."]);
    expect(decide(taken.next, look(nowMs + hostLimits.powerTakeOverMs + 1)).effects).to.deep.equal([]);
    const over = decide(begun.next, look(nowMs + 10 * hostLimits.powerTakeOverMs));
    expect(over.commit?.operations?.[0]).to.deep.nested.include({ "error.reason": "operationTimeout" });
  });

  it("is taken over at once when it was begun by a clock far ahead, and then has its ordinary time", () => {
    const earlier = nowMs - 3_600_000;
    const taken = decide(begun.next, look(earlier));
    expect(taken.effects.map(({ kind }) => kind)).to.deep.equal(["switchOff"]);
    const [operation] = taken.next.operations;
    expect((operation?.deadlineAtMs ?? 0) - earlier).to.equal(
      (begun.next.operations[0]?.deadlineAtMs ?? 0) - nowMs,
    );
  });

  it("has nothing to say when its operation has ended", () => {
    expect(decide(loadedHost(), powered())).to.deep.include({ commit: undefined, effects: [] });
  });
});
