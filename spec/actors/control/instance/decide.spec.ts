/** The life of an instance, decision by decision: values in, values out. */
import { expect } from "chai";
import { admission, admissionCommands } from "../../../../actors/control/instance/admission.ts";
import { decide } from "../../../../actors/control/instance/decide.ts";
import { instanceLimits } from "../../../../actors/control/instance/limits.ts";
import type { InstanceEvent } from "../../../../actors/control/instance/messages.ts";
import { settledOf, stateOf } from "../../../../actors/control/instance/state.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import { instanceStates } from "../../../../protocol/states.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const unleased = { leaseEpoch: 0, storageId: null, numa: null };

const following = (
  loaded: LoadedInstance,
  ...events: ((now: LoadedInstance) => InstanceEvent)[]
): LoadedInstance => events.reduce((now, event) => decide(now, event(now)).next, loaded);

const running = () => following(newborn(), (now) => observed(now));
const stopped = () =>
  following(
    running(),
    () => command("stop"),
    (now) => observed(now),
  );

describe("instance admission", () => {
  it("has a cell for every state and command, and never refuses a delete of what exists", () => {
    for (const state of instanceStates) {
      expect(Object.keys(admission[state])).to.deep.equal([...admissionCommands]);
      if (state !== "deleted") expect(admission[state].delete.kind).to.not.equal("deny");
    }
  });
});

describe("instance decide: commands", () => {
  it("stop while building makes a new generation, cancels the create, and tells the host", () => {
    const { next, commit, effects, outcome } = decide(newborn(), command("stop"));
    expect(outcome.kind).to.equal("accepted");
    expect(next.instance).to.include({
      desired: "stopped",
      generation: 2,
      state: "stopping",
      settled: false,
    });
    expect(commit?.operations?.map(({ kind, state }) => [kind, state])).to.deep.equal([
      ["create", "cancelled"],
      ["stop", "running"],
    ]);
    expect(effects).to.have.length(1);
    expect(effects[0]).to.deep.include({ kind: "ensure", hostId: "a" });
  });

  it("start of a running instance changes nothing but is remembered with an operation that is done", () => {
    const before = running();
    const { next, commit, effects } = decide(before, command("start"));
    expect(next.instance.generation).to.equal(before.instance.generation);
    expect(effects).to.deep.equal([]);
    expect(commit?.request?.requestId).to.equal("r-start");
    expect(commit?.operations?.map(({ state, step }) => [state, step])).to.deep.equal([
      ["done", "unchanged"],
    ]);
    expect(next.instance.operationId).to.equal(null);
  });

  it("a second graceful stop joins the first, a hard one overtakes it", () => {
    const stopping = following(running(), () => command("stop"));
    const joined = decide(stopping, command("stop", { id: "again" }));
    expect(joined.next.operation?.id).to.equal("op-r-stop");
    expect(joined.commit?.request?.answer).to.have.nested.property("operation.id", "op-r-stop");
    const hard = decide(stopping, command("stopHard"));
    expect(hard.next.instance.stop).to.deep.equal({ mode: "hard", timeoutMs: 0 });
    expect(hard.next.instance.generation).to.equal(stopping.instance.generation + 1);
  });

  it("a start while rebooting joins the reboot: it is done when the guest runs", () => {
    const rebooting = following(running(), () => command("rebootHard"));
    const { commit } = decide(rebooting, command("start"));
    expect(commit?.request?.answer).to.have.nested.property("operation.id", "op-r-rebootHard");
    expect(commit?.request?.answer).to.have.nested.property("operation.state", "running");
  });

  it("refuses with state and reason what makes no sense, and writes nothing", () => {
    const { outcome, commit, effects } = decide(stopped(), command("pause"));
    expect(outcome).to.deep.equal({
      kind: "denied",
      denial: {
        reason: "notRunning",
        message: "Cannot pause instance i: it is stopped.",
        details: { state: "stopped" },
      },
    });
    expect(commit).to.equal(undefined);
    expect(effects).to.deep.equal([]);
  });

  it("every command keeps its answer with its request id", () => {
    const { commit } = decide(running(), command("rebootHard"));
    expect(commit?.request).to.include({
      project: "demo",
      requestId: "r-rebootHard",
      contentHash: "r-rebootHard",
    });
    expect(commit?.request?.answer).to.have.nested.property("operation.kind", "reboot");
    expect(commit?.request?.answer).to.have.nested.property("instance.state", "rebooting");
  });

  it("deletes in every state, at once when no host holds anything", () => {
    const failed = following(newborn(), (now) =>
      observed(now, { state: "failed", reason: "diskFull", message: "full" }),
    );
    const homeless = following(failed, (now) =>
      observed(now, { ownerEpoch: 1, state: "gone", intentGeneration: 2 }),
    );
    expect(homeless.claims).to.deep.equal([]);
    const { next, commit, effects } = decide(homeless, command("delete"));
    expect(next.instance.deletedAtMs).to.equal(2_000);
    expect(next.instance).to.include({ state: "deleted", settled: true });
    expect(commit?.request?.answer).to.have.nested.property("operation.state", "done");
    expect(effects).to.deep.equal([]);
  });
});

describe("instance decide: reports", () => {
  it("a running machine ends the create, marks it built and settles it", () => {
    const { next, commit } = decide(newborn(), observed(newborn()));
    expect(next.instance).to.include({ state: "running", built: true, settled: true, operationId: null });
    expect(commit?.operations?.at(-1)).to.include({ kind: "create", state: "done", percent: 100 });
    expect(commit?.machines).to.have.length(1);
  });

  it("an older report of the same epoch changes nothing", () => {
    const loaded = running();
    const { commit, next } = decide(loaded, observed(loaded, { generation: 1, state: "failed" }));
    expect(commit).to.equal(undefined);
    expect(next).to.equal(loaded);
  });

  it("a report about an older intent is kept as knowledge but ends nothing", () => {
    const stopping = following(running(), () => command("stop"));
    const { next } = decide(stopping, observed(stopping, { state: "stopped", intentGeneration: 1 }));
    expect(next.operation?.state).to.equal("running");
    expect(next.instance.settled).to.equal(false);
  });

  it("a guest that dies behind a stop that is newer does not fail anything", () => {
    const stopping = following(running(), () => command("stop"));
    const report = observed(stopping, { state: "failed", reason: "guestPanic", intentGeneration: 1 });
    const { next } = decide(stopping, report);
    expect(next.instance.failure).to.equal(null);
    expect(next.instance.desired).to.equal("stopped");
  });

  it("a guest's own shutdown becomes the intent, and its host is told", () => {
    const loaded = running();
    const { next, effects } = decide(loaded, observed(loaded, { state: "stopped", reason: "guestShutdown" }));
    expect(next.instance).to.include({ desired: "stopped", generation: 2, state: "stopped" });
    expect(effects).to.have.length(1);
  });

  it("a lost process leaves the intent as it is: the machine comes back", () => {
    const loaded = running();
    const { next } = decide(loaded, observed(loaded, { state: "starting", reason: "processLost" }));
    expect(next.instance).to.include({ desired: "running", state: "starting", settled: false });
    const back = following(next, (now) => observed(now));
    expect(back.instance).to.include({ state: "running", settled: true });
  });

  const gone = (loaded: LoadedInstance, ownerEpoch = 1) =>
    observed(loaded, { ownerEpoch, state: "gone", intentGeneration: loaded.instance.generation + 1 });

  it("a failed build leaves the host, and asks for another when the first has said gone", () => {
    const report = observed(newborn(), { state: "failed", reason: "hypervisorRefused", message: "no" });
    const { next, effects } = decide(newborn(), report);
    expect(next.instance).to.include({ hostId: null, state: "building" });
    expect(next.instance.excludedHosts).to.deep.equal([{ hostId: "a", reason: "no" }]);
    expect(next.claims).to.have.length(1);
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["ensure"]);
    const [first] = effects;
    expect(first?.kind === "ensure" && first.intent.power).to.equal("deleted");
    const cleared = decide(next, gone(next));
    expect(cleared.next.claims).to.deep.equal([]);
    expect(cleared.effects).to.deep.equal([{ kind: "place" }]);
  });

  it("goes to no other host as long as the first may hold it, whoever offers one", () => {
    const left = following(newborn(), (now) => observed(now, { state: "failed", reason: "diskFull" }));
    const placement = { kind: "host", hostId: "b", hostName: "host-b", ...unleased } as const;
    const { next, commit } = decide(left, { kind: "placed", placement, ownerEpoch: 1, nowMs: 4_000 });
    expect(commit).to.equal(undefined);
    expect(next.instance.hostId).to.equal(null);
    const overdue = decide(left, {
      kind: "reconcile",
      nowMs: 10_000_000,
      hostAlive: false,
      leaseEpoch: 0,
    }).next;
    const again = decide(overdue, command("start"));
    expect(again.effects.map(({ kind }) => kind)).to.deep.equal(["ensure"]);
  });

  it("a new host gets a new epoch and its own claim", () => {
    const left = following(newborn(), (now) => observed(now, { state: "failed", reason: "diskFull" }), gone);
    const placement = { kind: "host", hostId: "b", hostName: "host-b", ...unleased } as const;
    const placed = decide(left, { kind: "placed", placement, ownerEpoch: 1, nowMs: 4_000 }).next;
    expect(placed.instance).to.include({ hostId: "b", ownerEpoch: 2, attempt: 2 });
    expect(placed.claims.map(({ hostId, ownerEpoch }) => [hostId, ownerEpoch])).to.deep.equal([["b", 2]]);
    const ran = following(placed, (now) => observed(now));
    expect(ran.instance).to.include({ state: "running", settled: true });
  });

  it("gives up after the last attempt, and says why", () => {
    let loaded = newborn();
    for (let attempt = 1; attempt <= instanceLimits.buildAttemptsMax; attempt += 1) {
      const { ownerEpoch } = loaded.instance;
      loaded = following(
        loaded,
        (now) => observed(now, { state: "failed", reason: "diskFull", message: "full" }),
        (now) => gone(now, ownerEpoch),
      );
      const placement = { kind: "host", hostId: `h${attempt}`, hostName: "h", ...unleased } as const;
      loaded = decide(loaded, {
        kind: "placed",
        placement,
        ownerEpoch: loaded.instance.ownerEpoch,
        nowMs: 5_000,
      }).next;
    }
    expect(loaded.instance).to.include({
      state: "failed",
      hostId: null,
      attempt: instanceLimits.buildAttemptsMax,
    });
    expect(loaded.instance.failure).to.include({ reason: "diskFull", message: "full" });
    expect(loaded.operation).to.equal(undefined);
  });

  it("a machine that was told to go is not told again by what it answers", () => {
    const deleted = following(
      running(),
      () => command("delete"),
      (now) => observed(now),
    );
    const leaving = { state: "stopping", ownerEpoch: 1, generation: 99, intentGeneration: 9 } as const;
    expect(decide(deleted, observed(deleted, leaving)).effects).to.deep.equal([]);
  });

  it("a host that contradicts what is settled, at a generation that is known, is told what is known", () => {
    const up = running();
    const [known] = up.machines;
    if (known === undefined) throw new Error("There is no machine.");
    const other = decide(up, observed(up, { state: "failed", generation: known.generation }));
    expect([other.commit, other.effects[0]?.kind]).to.deep.equal([undefined, "ensure"]);
    const below = decide(up, observed(up, { generation: known.generation - 1 }));
    expect([below.commit, below.effects[0]?.kind]).to.deep.equal([undefined, "ensure"]);
    const same = decide(up, observed(up, { generation: known.generation }));
    expect([same.commit, same.effects]).to.deep.equal([undefined, []]);
  });

  it("a machine that nobody counts on any more is told to go", () => {
    const gone = following(
      running(),
      () => command("delete"),
      (now) => observed(now),
    );
    const { effects, commit } = decide(
      gone,
      observed(gone, { state: "running", ownerEpoch: 1, generation: 99 }),
    );
    expect(commit).to.equal(undefined);
    expect(effects[0]?.kind === "ensure" && effects[0].intent.power).to.equal("deleted");
  });

  it("gone after a delete frees the claim, ends the operation and leaves a tombstone", () => {
    const deleting = following(running(), () => command("delete"));
    const { next, commit } = decide(deleting, observed(deleting));
    expect(commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 1 }]);
    expect(commit?.machinesGone).to.deep.equal([{ instanceId: "i", ownerEpoch: 1 }]);
    expect(next.instance).to.include({ state: "deleted", settled: true, hostId: null });
    expect(commit?.operations?.at(-1)).to.include({ kind: "delete", state: "done" });
  });
});

describe("instance decide: time", () => {
  it("a build whose host fell silent waits for it: silence proves nothing", () => {
    const event = { kind: "reconcile", nowMs: 2_000, hostAlive: false, leaseEpoch: 0 } as const;
    const { next, effects } = decide(newborn(), event);
    expect(next.instance.hostId).to.equal("a");
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["ensure"]);
  });

  it("an operation that is overdue fails, and the instance says so until the next command", () => {
    const starting = following(stopped(), () => command("start"));
    const overdue = { kind: "reconcile", nowMs: 10_000_000, hostAlive: true, leaseEpoch: 0 } as const;
    const { next } = decide(starting, overdue);
    expect(next.instance.state).to.equal("failed");
    expect(next.instance.failure).to.include({ reason: "operationTimeout" });
    const late = following(next, (now) => observed(now));
    expect(late.instance).to.include({ state: "running", settled: true, failure: null });
  });

  it("a stop that a silent host never heard is done when the host is back", () => {
    const stopping = following(running(), () => command("stop"));
    const { next } = decide(stopping, {
      kind: "reconcile",
      nowMs: 10_000_000,
      hostAlive: false,
      leaseEpoch: 0,
    });
    expect(next.instance).to.include({ desired: "stopped", settled: false });
    expect(next.instance.failure).to.include({ reason: "hostUnreachable" });
    const again = decide(next, { kind: "reconcile", nowMs: 10_000_001, hostAlive: true, leaseEpoch: 0 });
    expect(again.effects.map(({ kind }) => kind)).to.deep.equal(["ensure"]);
    const back = following(next, (now) => observed(now));
    expect(back.instance).to.include({ state: "stopped", settled: true, failure: null });
  });

  it("a delete whose host stays silent ends for the user, and stays work in progress for us", () => {
    const deleting = following(running(), () => command("delete"));
    const { next, commit } = decide(deleting, {
      kind: "reconcile",
      nowMs: 10_000_000,
      hostAlive: false,
      leaseEpoch: 0,
    });
    expect(next.instance).to.include({ state: "deleted", settled: false });
    expect(next.claims).to.have.length(1);
    expect(commit?.operations?.at(-1)).to.include({ kind: "delete", state: "done" });
    const back = following(next, (now) =>
      observed(now, { ownerEpoch: 1, state: "gone", intentGeneration: 3 }),
    );
    expect(back.claims).to.deep.equal([]);
    expect(settledOf(back)).to.equal(true);
  });

  it("a late answer of the scheduler for an epoch that has passed is ignored", () => {
    const placement = { kind: "host", hostId: "b", hostName: "b", ...unleased } as const;
    const loaded = running();
    expect(decide(loaded, { kind: "placed", placement, ownerEpoch: 1, nowMs: 4_000 }).commit).to.equal(
      undefined,
    );
    expect(stateOf(loaded, false)).to.equal("unknown");
  });
});
