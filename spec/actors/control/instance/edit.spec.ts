/** Edits and locks, decision by decision: values in, values out. */
import { expect } from "chai";
import { admissionCommands } from "../../../../actors/control/instance/admission.ts";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { Edit, EditEvent } from "../../../../actors/control/instance/messages.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import { fieldLimits } from "../../../../protocol/limits/fields.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const edit = (asked: Edit, project = "demo", nowMs = 2_000): EditEvent => {
  const id = `r-${asked.kind}-${nowMs}`;
  const request = { project, requestId: id, contentHash: id };
  return { kind: "edit", edit: asked, request, nowMs, host: { name: "host-a", alive: true } };
};

const signed = { by: "admin", reason: "It burnt.", confirmedName: "host-a", atMs: 1 };
const proof = { kind: "operator" as const, ...signed };

const running = (): LoadedInstance => decide(newborn(), observed(newborn())).next;
const following = (loaded: LoadedInstance, ...events: readonly EditEvent[]): LoadedInstance =>
  events.reduce((now, event) => decide(now, event).next, loaded);
const locked = (project = "demo", reason = "keep") =>
  following(running(), edit({ kind: "lock", reason }, project));

/** The bodies of the events of a decision. */
const told = (decision: ReturnType<typeof decide>) =>
  (decision.commit?.events ?? []).map(({ event, body }) => ({ event, ...body }));

const refusal = ({ outcome }: ReturnType<typeof decide>) =>
  outcome.kind === "denied" ? outcome.denial.reason : outcome.kind;

describe("instance decide: edits", () => {
  it("set writes the row alone: no generation, no operation, no effect, and one event that says what changed", () => {
    const before = running();
    const asked = { kind: "set", name: "db", description: "mine", metadata: { a: "1", b: null } } as const;
    const decision = decide(before, edit(asked));
    const { next, commit, effects } = decision;
    expect(next.instance).to.deep.include({ name: "db", description: "mine", metadata: { a: "1" } });
    expect(next.instance).to.include({
      generation: before.instance.generation,
      version: before.instance.version + 1,
      state: "running",
      updatedAtMs: 2_000,
    });
    expect(effects).to.deep.equal([]);
    expect(commit?.operations).to.deep.equal([]);
    expect(commit?.claims).to.deep.equal([]);
    expect(told(decision)).to.deep.equal([
      {
        ...{ event: "changed", name: "db", command: "set", changed: true },
        ...{ formerName: "web", description: "mine", metadata: { a: "1" } },
      },
    ]);
    expect(commit?.request).to.include({ requestId: "r-set-2000", project: "demo" });
    expect(commit?.request?.answer).to.have.nested.property("instance.name", "db");
    expect(commit?.request?.answer).not.to.have.property("operation");
  });

  it("pairs that are not named stay, null takes one away, and nothing at all is an event that says so", () => {
    const metadata = { kept: "1", gone: "2" };
    const before = following(running(), edit({ kind: "set", metadata }));
    const changed = following(before, edit({ kind: "set", metadata: { gone: null, more: "3" } }));
    expect(changed.instance.metadata).to.deep.equal({ kept: "1", more: "3" });
    const same = decide(
      changed,
      edit({ kind: "set", name: "web", metadata: { more: "3", constructor: null } }),
    );
    expect(same.next.instance.metadata).to.deep.equal(changed.instance.metadata);
    expect(told(same)).to.deep.equal([{ event: "changed", name: "web", command: "set", changed: false }]);
    expect(same.commit?.request?.answer).to.have.nested.property("instance.metadata.more", "3");
  });

  it("goes on with the operation that is under way, and with a description that is taken away", () => {
    const building = newborn();
    const { next, commit } = decide(building, edit({ kind: "set", description: "mine" }));
    expect(next.operation).to.equal(building.operation);
    expect(commit?.operations).to.deep.equal([]);
    expect(following(next, edit({ kind: "set", description: null })).instance.description).to.equal(null);
  });

  it("refuses more pairs than an instance may have, and counts those that go", () => {
    const most = fieldLimits.metadataKeysMax;
    const pairs = Object.fromEntries(Array.from({ length: most }, (_, n) => [`k${n}`, "v"]));
    const full = following(running(), edit({ kind: "set", metadata: pairs }));
    expect(refusal(decide(full, edit({ kind: "set", metadata: { more: "1" } })))).to.equal("metadataFull");
    const exchanged = decide(full, edit({ kind: "set", metadata: { more: "1", k0: null } }));
    expect(Object.keys(exchanged.next.instance.metadata)).to.have.length(most);
  });

  it("is accepted while the instance is being deleted, and not when it is gone", () => {
    const deleting = decide(running(), command("delete")).next;
    expect(following(deleting, edit({ kind: "set", name: "late" })).instance.name).to.equal("late");
    const gone = decide(deleting, observed(deleting)).next;
    expect(gone.instance.deletedAtMs).not.to.equal(null);
    for (const asked of [{ kind: "set", name: "x" }, { kind: "lock" }, { kind: "unlock" }] as const)
      expect(refusal(decide(gone, edit(asked))), asked.kind).to.equal("instanceNotFound");
  });
});

describe("instance decide: locks", () => {
  it("a locked instance refuses every command and edit of its project, and says who, why and since when", () => {
    const it = locked();
    for (const name of admissionCommands.filter((one) => one !== "evacuate"))
      expect(refusal(decide(it, command(name))), name).to.equal("instanceLocked");
    const decision = decide(it, edit({ kind: "set", name: "x" }));
    expect(decision.outcome).to.deep.equal({
      kind: "denied",
      denial: {
        reason: "instanceLocked",
        message: "Instance web (i) was locked by its project: keep.",
        details: { lockedBy: "project", lockedReason: "keep", lockedAtMs: 2_000 },
      },
    });
    expect(decision.commit).to.equal(undefined);
  });

  it("operators may command all the same", () => {
    const request = { project: "admin", requestId: "r", contentHash: "h" };
    for (const holder of ["demo", "admin"]) {
      expect(refusal(decide(locked(holder), { ...command("stop"), request }))).to.equal("accepted");
      expect(refusal(decide(locked(holder), edit({ kind: "set", name: "x" }, "admin")))).to.equal("accepted");
      expect(following(locked(holder), edit({ kind: "unlock" }, "admin")).instance.lock).to.equal(null);
    }
  });

  it("the project lifts its own lock, and never the operators'", () => {
    expect(following(locked(), edit({ kind: "unlock" })).instance.lock).to.equal(null);
    expect(refusal(decide(locked("admin"), edit({ kind: "unlock" })))).to.equal("instanceLocked");
  });

  it("locked again it is done, and only a reason that is given changes the reason", () => {
    const before = locked();
    const again = decide(before, edit({ kind: "lock" }, "demo", 3_000));
    expect(again.next.instance.lock).to.deep.equal({ by: "project", reason: "keep", atMs: 2_000 });
    expect(told(again)).to.deep.equal([
      {
        ...{ event: "changed", name: "web", command: "lock", changed: false },
        ...{ lockedBy: "project", lockedReason: "keep" },
      },
    ]);
    const other = following(before, edit({ kind: "lock", reason: "other" }, "demo", 3_000));
    expect(other.instance.lock).to.deep.equal({ by: "project", reason: "other", atMs: 3_000 });
    const unlocked = decide(running(), edit({ kind: "unlock" }));
    expect(told(unlocked)).to.deep.equal([
      { event: "changed", name: "web", command: "unlock", changed: false },
    ]);
  });

  it("operators take a project's lock over; the project's lock leaves the operators' as it is", () => {
    const taken = following(locked(), edit({ kind: "lock" }, "admin", 3_000));
    expect(taken.instance.lock).to.deep.equal({ by: "operators", reason: "keep", atMs: 3_000 });
    const kept = following(taken, edit({ kind: "lock", reason: "mine" }, "demo", 4_000));
    expect(kept.instance.lock).to.deep.equal(taken.instance.lock);
  });

  it("what happens by itself asks no lock: reports, deadlines and recoveries go on", () => {
    const stopped = observed(locked(), { state: "stopped", reason: "guestShutdown" });
    expect(decide(locked(), stopped).next.instance.desired).to.equal("stopped");
    const born = newborn(1_000, { leaseEpoch: 1 });
    const there = { ...born, instance: { ...born.instance, movable: true } };
    const held = following(decide(there, observed(there)).next, edit({ kind: "lock" }));
    const fences = [{ hostId: "a", hostName: "host-a", leaseEpoch: 1, proof }];
    const recover = { kind: "recover", fences, operationId: "op-r", nowMs: 5_000 } as const;
    const { next } = decide(held, recover);
    expect(next.instance).to.deep.include({ hostId: null, lock: held.instance.lock });
  });
});
