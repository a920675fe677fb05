/** I10 in the end: events that are kept add up to the rows, and are those of the stream. */
import { expect } from "chai";
import { replayFaults } from "../../../actors/promises/replay.ts";
import type { NewEvent } from "../../../actors/records/commit.ts";
import { facts, quiet, told } from "./worlds.ts";

const accepted = (sequence: number, body: NewEvent["body"]) => told(sequence, { event: "accepted", body });
const became = (sequence: number, to: string) => told(sequence, { body: { to } });
const created = accepted(1, { command: "create", changed: true, generation: 1 });
const found = (change: Parameters<typeof quiet>[0]) => replayFaults(quiet(change));

describe("promise I10, replay", () => {
  it("adds up to the rows", () => {
    const events = [created, became(2, "running"), accepted(3, { command: "start", changed: false })];
    expect(found({ events, instances: [facts("i")] })).to.deep.equal([]);
  });

  it("begins with building, and counts a guest's own shutdown", () => {
    const building = facts("i", { state: "building" });
    expect(found({ events: [created], instances: [building] })).to.deep.equal([]);
    const shutDown = accepted(2, { command: "stop", changed: true, cause: "guestShutdown" });
    const stopped = facts("i", { state: "stopped", generation: 2 });
    const events = [created, shutDown, became(3, "stopped")];
    expect(found({ events, instances: [stopped] })).to.deep.equal([]);
  });

  it("finds a row that its events do not tell of, or tell otherwise of", () => {
    expect(found({ instances: [facts("i")] })).to.have.length(2);
    const events = [created, became(2, "stopped")];
    expect(found({ events, instances: [facts("i")] })).to.deep.equal([
      "Instance i is running, but its events end in stopped.",
    ]);
    const behind = [created, became(2, "running")];
    expect(found({ events: behind, instances: [facts("i", { generation: 2 })] })).to.have.length(1);
  });

  it("does not judge the state of an instance whose host is silent", () => {
    const events = [created, became(2, "running")];
    expect(found({ events, instances: [facts("i", { state: "unknown" })] })).to.deep.equal([]);
  });

  it("does not miss what was trimmed", () => {
    expect(found({ eventsTrimmed: 9, instances: [facts("i", { generation: 7 })] })).to.deep.equal([]);
    const events = [became(10, "stopped")];
    expect(found({ eventsTrimmed: 9, events, instances: [facts("i", { generation: 7 })] })).to.have.length(1);
  });

  it("finds a gap among the events that are kept", () => {
    const running = [facts("i")];
    expect(found({ events: [created, became(3, "running")], instances: running })).to.have.length(1);
    expect(found({ eventsTrimmed: 1, events: [created, became(2, "running")] })).to.have.length(1);
  });

  it("finds a stream that lacks, doubles or invents an event", () => {
    const events = [created, became(2, "running")];
    const streamed = (...stream: number[]) => found({ events, stream });
    expect(streamed(1, 2)).to.deep.equal([]);
    for (const numbers of [[], [1], [2], [1, 1, 2], [2, 1], [1, 2, 3]]) {
      expect(streamed(...numbers)).to.have.length(1);
    }
    expect(found({ events: [], stream: [] })).to.deep.equal([]);
    const trimmed = { eventsTrimmed: 4, events: [became(5, "running")] };
    expect(found({ ...trimmed, stream: [3, 4, 5] })).to.deep.equal([]);
  });
});
