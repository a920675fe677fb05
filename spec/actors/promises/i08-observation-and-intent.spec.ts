/** I8: a change without a request rests on an observation of the present intent, or is found. */
import { expect } from "chai";
import { observationAndIntent } from "../../../actors/promises/i08-observation-and-intent.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { MachineRecord } from "../../../actors/records/instance.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { Reason } from "../../../protocol/wire/reasons.ts";
import { createTurn, event, machine, next, request } from "../../support/store-rows.ts";
import { history, judged, rowOf, step } from "./worlds.ts";

const born = createTurn("i");
const row = next(rowOf(born), { generation: 4 });
const asked: Commit = { request: request("r"), instances: [{ expectedVersion: 1, row }] };
const faults = (...commits: readonly Commit[]) =>
  judged(observationAndIntent(), history(born, asked, ...commits));
const saw = (change: Partial<MachineRecord> = {}) => ({
  machines: [machine("i", { intentGeneration: 4, ...change })],
});
const failure = (reason: Reason) => errorBodyOf({ reason, message: "It failed." });
const done = { events: [event("i", "operationEnded", { body: { state: "done" } })] };

describe("promise I8, observation and intent", () => {
  it("is kept by commands, and by reports that only become knowledge", () => {
    expect(faults(step(row, { state: "running" }, saw({ intentGeneration: 1 })))).to.deep.equal([]);
  });

  it("is kept when the guest shuts itself down, and its intent was the one that holds", () => {
    const followed = { desired: "stopped", generation: 5 } as const;
    const shutDown = { state: "stopped", reason: "guestShutdown" } as const;
    expect(faults(step(row, followed, saw(shutDown)))).to.deep.equal([]);
    expect(faults(step(row, followed, saw({ ...shutDown, intentGeneration: 3 })))).to.have.length(1);
    expect(faults(step(row, followed, saw({ ...shutDown, reason: "processLost" })))).to.have.length(1);
    expect(faults(step(row, followed, saw({ ...shutDown, ownerEpoch: 7 })))).to.have.length(1);
    expect(faults(step(row, followed))).to.have.length(1);
  });

  it("is kept when an interface that could not be attached is taken back, and nothing else with it", () => {
    const ended = (body: Readonly<Record<string, unknown>>): Commit => ({
      events: [event("i", "operationEnded", { body })],
    });
    const failed = ended({ kind: "interfaceAttach", state: "failed" });
    expect(faults(step(row, { generation: 5 }, failed))).to.deep.equal([]);
    for (const change of [{ generation: 6 }, { generation: 5, startCount: 2 }])
      expect(faults(step(row, change, failed))).to.have.length(1);
    for (const body of [
      { kind: "interfaceAttach", state: "cancelled" },
      { kind: "interfaceDetach", state: "failed" },
    ])
      expect(faults(step(row, { generation: 5 }, ended(body)))).to.have.length(1);
  });

  it("is broken by any other change of the intent that nobody asked for", () => {
    const shutDown = saw({ state: "stopped", reason: "guestShutdown" });
    const changes = [{ generation: 5 }, { desired: "paused" }, { resetCount: 1 }, { startCount: 2 }] as const;
    for (const change of changes) expect(faults(step(row, change, shutDown))).to.have.length(1);
    const both = { desired: "stopped", generation: 6 } as const;
    expect(faults(step(row, both, shutDown))).to.have.length(1);
  });

  it("is broken by an evacuation that was accepted and takes nothing from its host", () => {
    const evacuated = (rest: Commit) =>
      step(
        row,
        {},
        {
          ...rest,
          request: request("e"),
          events: [event("i", "accepted", { body: { command: "evacuate", changed: true } })],
        },
      );
    expect(faults(evacuated({ claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] }))).to.deep.equal([]);
    expect(faults(evacuated({}))).to.deep.equal([
      "The evacuation of instance i was accepted, and it stays where it is.",
    ]);
  });

  it("is broken by a failure that was seen of an older intent", () => {
    const failed = { state: "failed", failure: failure("guestFailed") } as const;
    expect(faults(step(row, failed, saw({ state: "failed" })))).to.deep.equal([]);
    expect(faults(step(row, failed, saw({ state: "failed", intentGeneration: 3 })))).to.have.length(1);
    expect(faults(step(row, failed, saw({ state: "running" })))).to.have.length(1);
    expect(faults(step(row, failed))).to.have.length(1);
  });

  it("is broken by a full disk of a host that has taken the intent up, and not of one that could not", () => {
    const failed = { state: "failed", failure: failure("diskFull") } as const;
    expect(faults(step(row, failed))).to.deep.equal([]);
    expect(faults(step(row, failed, saw({ state: "running", intentGeneration: 3 })))).to.deep.equal([]);
    expect(faults(step(row, failed, saw({ state: "running" })))).to.have.length(1);
  });

  it("lets the controller give up by itself, and keep a failure that is known", () => {
    for (const reason of ["operationTimeout", "hostUnreachable", "noValidHost"] as const) {
      const failed = step(row, { state: "failed", failure: failure(reason) });
      expect(faults(failed)).to.deep.equal([]);
    }
    const failed = step(row, { state: "failed", failure: failure("diskFull") }, saw({ state: "failed" }));
    const newer = saw({ generation: 2, state: "stopped" });
    expect(faults(failed, step(rowOf(failed), {}, newer))).to.deep.equal([]);
  });

  it("is broken by a command that is done in its own commit, while its guest is on a host", () => {
    const command = step(row, { generation: 5 }, { ...done, request: request("again") });
    expect(faults(command)).to.have.length(1);
    const stopped = { generation: 5, desired: "stopped", hostId: null } as const;
    expect(faults(step(row, stopped, { ...done, request: request("again") }))).to.deep.equal([]);
  });

  it("is broken by an operation that is done though its intent was not seen", () => {
    expect(faults(step(row, {}, { ...saw(), ...done }))).to.deep.equal([]);
    expect(faults(step(row, {}, saw()), step(next(row), {}, done))).to.deep.equal([]);
    expect(faults(step(row, {}, { ...saw({ intentGeneration: 3 }), ...done }))).to.have.length(1);
    expect(faults(step(row, {}, done))).to.have.length(1);
  });

  it("ends the stop of what is nowhere", () => {
    const stopped = next(row, { desired: "stopped", generation: 5 });
    const wanted: Commit = { request: request("s"), instances: [{ expectedVersion: 2, row: stopped }] };
    expect(faults(wanted, step(stopped, { hostId: null }, done))).to.deep.equal([]);
    expect(faults(wanted, step(stopped, {}, done))).to.have.length(1);
  });

  it("ends a delete when nothing is claimed any more, or when it is parked", () => {
    const deleted = next(row, { desired: "deleted", generation: 5 });
    const wanted: Commit = { request: request("d"), instances: [{ expectedVersion: 2, row: deleted }] };
    const end = (rest: Commit) => faults(wanted, step(deleted, { deletedAtMs: 1 }, rest));
    expect(end({ ...done, claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] })).to.deep.equal([]);
    expect(end(done)).to.have.length(1);
    const parked = event("i", "deleted", { body: { parked: true } });
    expect(end({ events: [parked, ...done.events] })).to.deep.equal([]);
  });
});
