/** Decisions about hosts by value: enabled, disabled, drained, removed; and what a look puts right. */
import { expect } from "chai";
import { decide } from "../../../../actors/control/host/decide.ts";
import { hostLimits } from "../../../../actors/control/host/limits.ts";
import { guest, hostRow, loadedHost } from "../../../support/host-rows.ts";
import * as rows from "../../../support/store-rows.ts";
import { command, effectsOf, empty, look, nowMs, surveyed, written } from "./worlds.ts";

const patienceMs = hostLimits.drainPatienceMs;
const draining = {
  atMs: rows.wallMs,
  parallelism: 4,
  instances: 2,
  instanceIds: ["i1", "i2"],
  operationId: "d",
};
const drainOperation = rows.hostOperation("d", "a", { deadlineAtMs: nowMs + patienceMs });
const drained = (changes: object = {}) =>
  loadedHost({ enabled: false, disabledReason: "disk", draining, ...changes }, [drainOperation]);
const there = (...owned: ReturnType<typeof guest>[]) => ({ ...empty, owned });
const stays = guest("i1", { recovery: { policy: "wait", priority: 0 } });
const named = { kind: "host", hostId: "b", hostName: "host-b" } as const;
const room = { ...named, leaseEpoch: 1, storageId: "s", numa: null };

describe("a host that is switched", () => {
  it("is written only at the version that its actor knows, with the answer of its request", () => {
    const { commit, next } = decide(loadedHost(), command({ command: "disable", reason: "disk" }));
    expect(commit?.hostsExpected).to.deep.equal([{ hostId: "a", version: 7 }]);
    expect(commit?.hostsEnabled).to.deep.equal([
      { hostId: "a", enabled: false, reason: "disk", draining: null },
    ]);
    expect(commit?.request).to.deep.include({ requestId: "r", contentHash: "hash" });
    expect(commit?.request?.answer).to.have.nested.property("host.disabledReason", "disk");
    expect(next.host).to.include({ version: 8, enabled: false });
  });

  it("shows what was read for the command, and not what its actor remembers of the agent's part", () => {
    const found = hostRow({ instances: 5, enabled: false });
    const { commit } = decide(loadedHost({ instances: 1 }), command({ command: "enable" }, { found }));
    expect(commit?.request?.answer).to.deep.nested.include({ "host.instances": 5, "host.enabled": true });
  });

  it("ends its drain when it is enabled, in the same commit, and tells so", () => {
    const decision = decide(drained(), command({ command: "enable" }));
    expect(written(decision)).to.deep.equal(["d: cancelled: The host was enabled again."]);
    expect(decision.commit?.events?.map(({ event, operationId }) => [event, operationId])).to.deep.equal([
      ["enabled", undefined],
      ["operationEnded", "d"],
    ]);
    expect(decision.next).to.deep.include({ operations: [] });
    expect(decision.next.host.draining).to.equal(null);
  });

  it("goes on with its drain when it is disabled again", () => {
    const decision = decide(drained(), command({ command: "disable", reason: "still" }));
    expect(decision.commit?.hostsEnabled).to.deep.equal([
      { hostId: "a", enabled: false, reason: "still", draining },
    ]);
    expect(written(decision)).to.deep.equal([]);
    expect(decision.next.operations).to.deep.equal([drainOperation]);
  });
});

describe("a drain", () => {
  const asked = { command: "drain", reason: "disk", there: there(guest("i1"), stays) } as const;

  it("begins with an operation, and with a look at what is on the host", () => {
    const loaded = loadedHost();
    const { commit, effects, next } = decide(loaded, command(asked));
    expect(next.host.draining).to.deep.equal({
      ...{ atMs: nowMs, parallelism: 4, instances: 2, operationId: "new" },
      instanceIds: ["i1", "i1"],
    });
    expect(commit?.operations).to.have.length(1);
    expect(commit?.operations?.[0]).to.include({
      noun: "host",
      entityId: "a",
      project: "admin",
      kind: "drain",
    });
    expect(commit?.request?.answer).to.deep.nested.include({ "operation.id": "new", "drain.staying": 1 });
    expect(effects.map(({ kind }) => kind)).to.deep.equal(["tellOfHosts", "survey"]);
  });

  it("takes the place of the one before, counts from its beginning, and cancels its operation", () => {
    const decision = decide(drained(), command({ ...asked, parallelism: 9 }));
    expect(written(decision)).to.deep.equal(["d: cancelled: Another drain took its place.", "new: running"]);
    expect(decision.next.host.draining).to.deep.equal({ ...draining, parallelism: 9, operationId: "new" });
    expect(decision.next.operations.map(({ id }) => id)).to.deep.equal(["new"]);
  });

  it("is denied on a fenced host, whose guests are recovered", () => {
    const fencedBy = { kind: "operator", by: "x", reason: "y", confirmedName: "z", atMs: 1 } as const;
    const fenced = loadedHost({ lease: { leaseEpoch: 1, renewals: 1, storage: null, fencedBy } });
    expect(decide(fenced, command(asked)).outcome).to.deep.nested.include({ "denial.reason": "hostFenced" });
  });

  it("asks those with room to leave, and tells how far it is", () => {
    const rooms = [{ instance: guest("i1"), to: room }];
    const decision = decide(drained(), surveyed({ there: there(guest("i1"), stays), rooms }));
    expect(decision.effects).to.deep.equal([{ kind: "move", instanceId: "i1", to: room }]);
    expect(written(decision)).to.deep.equal([
      "d: running: 0 of 2 gone, 1 staying: i1: Its recovery policy is wait: it stays with its host.",
    ]);
    expect(decision.commit).to.not.have.property("hostsEnabled");
    const [operation] = decision.commit?.operations ?? [];
    const [own, start, grace] = [60_000, 60_000, 15_000];
    expect(operation?.deadlineAtMs).to.equal(nowMs + own + start + grace + patienceMs);
  });

  it("writes nothing when nothing has changed but a reason, and asks again all the same", () => {
    const found = {
      there: there(guest("i1")),
      rooms: [{ instance: guest("i1"), to: room }],
      asked: new Set(["i1"]),
    };
    const first = decide(
      drained(),
      surveyed({ ...found, obstacles: new Map([["i1", "3 MiB are missing."]]) }),
    );
    const second = decide(
      first.next,
      surveyed({ ...found, obstacles: new Map([["i1", "2 MiB are missing."]]) }),
    );
    expect(second.commit).to.equal(undefined);
    expect(second.effects).to.have.length(1);
  });

  it("is done when nothing of any instance is there, and leaves the host disabled", () => {
    const living = [{ instanceId: "i1", hostId: "b", desired: "running" as const }];
    const decision = decide(drained(), surveyed({ living }));
    expect(written(decision)).to.deep.equal([
      "d: done: Nothing is on the host any more: 1 moved, 1 deleted.",
    ]);
    expect(decision.commit?.hostsEnabled).to.deep.equal([
      { hostId: "a", enabled: false, reason: "disk", draining: null },
    ]);
    expect(decision.commit?.operations?.[0]).to.include({ percent: 100, endedAtMs: nowMs });
  });

  it("waits for those on their way, but not for ever", () => {
    const living = [{ instanceId: "i1", hostId: null, desired: "running" as const }];
    expect(decide(drained(), surveyed({ living })).next.operations).to.have.length(1);
    const late = surveyed({ living }, nowMs + patienceMs + 1);
    expect(written(decide(drained(), late))[0]).to.contain("0 moved, 1 deleted, 1 waiting for a host.");
  });

  it("does not take a host for empty that has remains of deleted instances", () => {
    const decision = decide(drained(), surveyed({ there: { ...empty, deleting: 1 } }));
    expect(decision.next.host.draining).to.not.equal(null);
    const late = decide(drained(), surveyed({ there: { ...empty, deleting: 1 } }, nowMs + patienceMs + 1));
    expect(written(late)[0]).to.contain("remains of 1 that were deleted");
  });

  it("fails at once when what is left may not be moved, and says which and why", () => {
    const decision = decide(drained(), surveyed({ there: there(stays) }));
    expect(decision.commit?.operations?.[0]?.error).to.deep.include({
      ...{ code: "FAILED_PRECONDITION", reason: "drainIncomplete" },
      message: "host-a is not empty: 1 staying: i1: Its recovery policy is wait: it stays with its host.",
      details: {
        instances: [
          { instanceId: "i1", name: "i1", why: "Its recovery policy is wait: it stays with its host." },
        ],
        moved: 1,
      },
    });
    expect(decision.next.host.draining).to.equal(null);
  });

  const waiting = { there: there(guest("i1")), obstacles: new Map([["i1", "No host fits."]]) };
  for (const [what, found] of [
    ["finds no room", waiting],
    ["has something under way", { there: there(guest("i1", { operationId: "o" })) }],
    ["is being deleted", { there: there(guest("i1", { desired: "deleted" })) }],
    ["is leaving", { there: { ...empty, leaving: ["i1"] } }],
    [
      "is asked again and again",
      { ...waiting, rooms: [{ instance: guest("i1"), to: room }], asked: new Set(["i1"]) },
    ],
  ] as const)
    it(`waits while one ${what}, and fails when its time is over`, () => {
      expect(decide(drained(), surveyed(found)).next.host.draining).to.not.equal(null);
      const late = decide(drained(), surveyed(found, nowMs + patienceMs + 1));
      expect(late.commit?.operations?.[0]).to.include({ state: "failed" });
      expect(late.effects.map(({ kind }) => kind)).to.deep.equal(["tellOfHosts"]);
    });

  it("goes on beyond its time for one that is asked for the first time", () => {
    const found = { ...waiting, rooms: [{ instance: guest("i1"), to: room }] };
    const late = decide(drained(), surveyed(found, nowMs + patienceMs + 1));
    expect(late.effects.map(({ kind }) => kind)).to.deep.equal(["move"]);
    expect(late.commit?.operations?.[0]?.deadlineAtMs).to.be.greaterThan(nowMs + 2 * patienceMs);
  });

  it("waits no longer for the clock of a controller that was an hour ahead, once nothing is on its way", () => {
    const ahead = rows.hostOperation("d", "a", { deadlineAtMs: nowMs + 3_600_000 });
    const loaded = loadedHost({ enabled: false, disabledReason: "disk", draining }, [ahead]);
    const deadlineOf = (found: Parameters<typeof surveyed>[0]) =>
      decide(loaded, surveyed(found)).next.operations[0]?.deadlineAtMs ?? 0;
    expect(deadlineOf(waiting)).to.be.within(nowMs + patienceMs, nowMs + 10 * patienceMs);
    expect(deadlineOf({ there: { ...empty, leaving: ["i1"] } })).to.equal(ahead.deadlineAtMs);
  });

  it("that a controller from before there were operations has begun gets one", () => {
    const loaded = loadedHost({ enabled: false, draining });
    expect(written(decide(loaded, surveyed(waiting)))[0]).to.match(/^made: running/);
  });

  it("has no say any more in a host that is not drained", () => {
    const decision = decide(loadedHost(), surveyed({ there: there(stays) }));
    expect(decision).to.deep.include({ commit: undefined, effects: [] });
  });
});

describe("a look at a host", () => {
  it("surveys a drained host, and nothing of one at rest", () => {
    expect(effectsOf(drained(), look())).to.deep.equal(["survey"]);
    expect(effectsOf(loadedHost(), look())).to.deep.equal([]);
  });

  it("ends a drain whose host was fenced by a controller, or enabled by one of the version before", () => {
    const fencedBy = { kind: "operator", by: "x", reason: "y", confirmedName: "z", atMs: 1 } as const;
    const fenced = drained({ lease: { leaseEpoch: 1, renewals: 1, storage: null, fencedBy } });
    const over = decide(fenced, look());
    expect(over.commit?.operations?.[0]).to.deep.nested.include({
      state: "failed",
      "error.reason": "hostFenced",
    });
    expect(over.next.host.draining).to.equal(null);
    const enabled = loadedHost({}, [drainOperation]);
    expect(written(decide(enabled, look()))).to.deep.equal(["d: cancelled: The host was enabled again."]);
  });

  it("ends a drain that nobody could look at for very long", () => {
    const over = decide(drained(), look(nowMs + 2 * patienceMs + 1));
    expect(over.commit?.operations?.[0]).to.deep.nested.include({ "error.reason": "operationTimeout" });
  });
});

describe("a host that is removed", () => {
  it("takes its drain with it, which is done; of a fenced one it is cancelled", () => {
    const decision = decide(drained(), command({ command: "remove" }));
    expect(decision.commit?.hostsRemoved).to.deep.equal([{ hostId: "a", parked: false }]);
    expect(written(decision)).to.deep.equal(["d: done: The host is empty, and removed."]);
    expect(decision.effects.map(({ kind }) => kind)).to.deep.equal(["tellOfHosts", "forget"]);
    const fencedBy = { kind: "operator", by: "x", reason: "y", confirmedName: "z", atMs: 1 } as const;
    const fenced = drained({ lease: { leaseEpoch: 1, renewals: 1, storage: null, fencedBy } });
    const parked = decide(fenced, command({ command: "remove" }));
    expect(parked.commit).to.deep.include({ fencesExpected: [{ hostId: "a", leaseEpoch: 1 }] });
    expect(written(parked)).to.deep.equal(["d: cancelled: The host was removed."]);
  });
});
