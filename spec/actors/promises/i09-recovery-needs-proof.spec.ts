/** I9: another host gets the instance only after the first was proved to be without the guest. */
import { expect } from "chai";
import { recoveryNeedsProof } from "../../../actors/promises/i09-recovery-needs-proof.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { MachineRecord } from "../../../actors/records/instance.ts";
import { machineStates } from "../../../protocol/states.ts";
import { claim, createTurn, machine, next, plugged } from "../../support/store-rows.ts";
import { guest, history, judged, rowOf, step } from "./worlds.ts";

const born = createTurn("i");
const row = rowOf(born);
const saw = (state: MachineRecord["state"]): Commit => step(row, {}, { machines: [machine("i", { state })] });
const moved = (rest: Commit = {}): Commit =>
  step(
    next(row),
    { ownerEpoch: 2, hostId: "h2" },
    { claims: [claim("i", "h2", { ownerEpoch: 2 })], ...rest },
  );
const old = [{ instanceId: "i", ownerEpoch: 1 }];
const faults = (...commits: readonly Commit[]) => judged(recoveryNeedsProof(), history(born, ...commits));

describe("promise I9, recovery needs proof", () => {
  it("is kept by an instance that stays, whatever is seen of it", () => {
    expect(faults(saw("running"), step(next(row), { hostId: null }))).to.deep.equal([]);
    expect(judged(recoveryNeedsProof(), [...history(born), guest("guestStarted")])).to.deep.equal([]);
  });

  it("takes the host's own word that no process is there", () => {
    const proofs = machineStates.filter((state) => faults(saw(state), moved()).length === 0);
    expect(proofs).to.deep.equal(["stopped", "failed", "gone"]);
    const forgotten = step(row, {}, { machinesGone: old });
    expect(faults(forgotten, moved())).to.deep.equal([]);
  });

  it("takes the claim that was given back, before or in the same turn", () => {
    expect(faults(saw("running"), moved({ claimsReleased: old }))).to.deep.equal([]);
    expect(faults(step(row, {}, { claimsReleased: old }), moved())).to.deep.equal([]);
  });

  it("is broken by a host that is forgotten with a guest, unless it is fenced", () => {
    const forgotten: Commit = { hostsRemoved: [{ hostId: "h1", parked: true }] };
    const proof = { kind: "operator", by: "admin", reason: "off", confirmedName: "h1", atMs: 1 } as const;
    const fenced: Commit = { leasesFenced: [{ hostId: "h1", leaseEpoch: 1, renewals: null, proof }] };
    expect(faults(saw("running"), forgotten)).to.deep.equal([
      "Instance i is forgotten with h1, which is not fenced.",
    ]);
    expect(faults(saw("running"), fenced, forgotten, moved())).to.deep.equal([]);
    expect(faults(saw("stopped"), forgotten)).to.deep.equal([]);
  });

  it("is broken by a host that is forgotten with a guest that its silence does not stop", () => {
    const forgotten: Commit = { hostsRemoved: [{ hostId: "h1", parked: true }] };
    const silence = { leaseEpoch: 1, silentMs: 12_000, guardMs: 2_000, observedBy: "c", atMs: 1 };
    const proof = { kind: "lease", ...silence } as const;
    const fenced: Commit = { leasesFenced: [{ hostId: "h1", leaseEpoch: 1, renewals: 1, proof }] };
    const run = (leaseEpoch: number, changes: Parameters<typeof step>[1]) =>
      faults({ ...born, claims: [claim("i", "h1", { leaseEpoch })] }, step(row, changes), fenced, forgotten);
    const broken = ["Instance i is forgotten with h1, whose fence does not stop it."];
    expect(run(1, {})).to.deep.equal(broken);
    expect(run(0, { storageId: "s" })).to.deep.equal(broken);
    expect(run(1, { storageId: "s" })).to.deep.equal([]);
    expect(run(1, { deletedAtMs: 1 })).to.deep.equal([]);
    expect(run(1, { deletedAtMs: 1, interfaces: [] })).to.deep.equal([]);
    const interfaces = [plugged("p")];
    expect(run(1, { deletedAtMs: 1, interfaces })).to.deep.equal(broken);
    expect(run(1, { deletedAtMs: 1, interfaces, storageId: "s" })).to.deep.equal([]);
  });

  it("is broken by a fence of the storage while a process lives that may be taken over", () => {
    const said = { leaseEpoch: 1, storageId: "s", takenBy: "h2", observedBy: "c", silentMs: 6_000, atMs: 1 };
    const fenced: Commit = {
      leasesFenced: [{ hostId: "h1", leaseEpoch: 1, renewals: 1, proof: { kind: "storage", ...said } }],
    };
    const alone = { ...born, claims: [claim("i", "h1", { leaseEpoch: 1 })] };
    const onStorage = born.instances?.map((one) => ({ ...one, row: { ...one.row, storageId: "s" } })) ?? [];
    const leased = { ...alone, instances: onStorage };
    const run = (first: Commit, ...between: Parameters<typeof guest>[0][]) => {
      const facts = history(first, fenced);
      const [birth, fence] = [facts.slice(0, -1), facts.slice(-1)];
      return judged(recoveryNeedsProof(), [...birth, ...between.map((kind) => guest(kind)), ...fence]);
    };
    expect(run(leased, "guestStarted")).to.deep.equal([
      "The storage gave up h1 while a process of i lived there.",
    ]);
    expect(run(leased, "guestStarted", "guestEnded")).to.deep.equal([]);
    expect(run(born, "guestStarted")).to.deep.equal([]);
    // The disk is on its host's own storage: nobody takes it over.
    expect(run(alone, "guestStarted")).to.deep.equal([]);
  });

  it("is broken by a move away from a host that said nothing yet", () => {
    expect(faults(step(row, { hostId: null }), moved())).to.deep.equal([
      "Instance i goes to h2 as epoch 2, but of epoch 1 host h1 said nothing yet.",
    ]);
  });

  it("is broken by a change of host within one epoch", () => {
    expect(faults(saw("running"), step(next(row), { hostId: "h2" }))).to.have.length(1);
  });

  it("asks for the proof of every earlier epoch", () => {
    const third = step(
      rowOf(moved()),
      { ownerEpoch: 3, hostId: "h3" },
      { claims: [claim("i", "h3", { ownerEpoch: 3 })] },
    );
    expect(faults(saw("failed"), moved(), third)).to.have.length(1);
  });

  it("is broken by a late start of an older epoch, and by one that nobody committed", () => {
    const facts = history(born, saw("failed"), moved());
    const start = (change: object) => judged(recoveryNeedsProof(), [...facts, guest("guestStarted", change)]);
    expect(start({ hostId: "h2", ownerEpoch: 2 })).to.deep.equal([]);
    expect(start({ ownerEpoch: 1 })).to.have.length(1);
    expect(start({ ownerEpoch: 3 })).to.have.length(1);
  });

  it("is broken by a start beside an epoch that came to life again", () => {
    const again = step(
      rowOf(moved()),
      {},
      { machines: [machine("i", { generation: 2, state: "starting" })] },
    );
    const start = guest("guestStarted", { hostId: "h2", ownerEpoch: 2 });
    const facts = [...history(born, saw("failed"), moved(), again), start];
    expect(judged(recoveryNeedsProof(), facts)).to.have.length(1);
  });

  it("says nothing of instances whose commits it does not see", () => {
    expect(judged(recoveryNeedsProof(), [guest("guestStarted", { ownerEpoch: 9 })])).to.deep.equal([]);
  });
});
