/** Judging a history offline, by value: the clients' answers against the state at the end. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Completed, Fact, Invoked, Quiet } from "../../../actors/promises/facts.ts";
import { figuresOf } from "../../../nodes/chaos/figures.ts";
import { judgeFacts } from "../../../nodes/chaos/judgement.ts";
import { type FaultRecord, openRecorder, readRecords } from "../../../nodes/chaos/recorder.ts";
import { timeline } from "../../../nodes/chaos/timeline.ts";
import type { DesiredPower } from "../../../protocol/states.ts";

const id = "01a20000-0000-7000-8000-000000000001";

function asked(call: number, method: string, request: object = {}): Invoked {
  return {
    ...{
      kind: "invoked",
      atMs: call * 100,
      call,
      client: "c1",
      project: "demo",
      method: `instance.${method}`,
    },
    ...{ id: method === "create" ? "" : id, requestId: `r${call}`, request: { ...request } },
  };
}

function told(call: number, outcome: Completed["outcome"] = "ok", generation = call): Completed {
  const answer = {
    instance: { id, project: "demo", generation },
    operation: { id: `op${call}`, state: "done" },
  };
  return { kind: "completed", atMs: call * 100 + 7, call, outcome, ...(outcome === "ok" ? { answer } : {}) };
}

const quietWith = (desired: DesiredPower, generation: number): Quiet => ({
  ...{ kind: "quiet", atMs: 9_000, hosts: [], guests: [], remains: [], events: [], eventsTrimmed: 10 },
  findings: [],
  operations: [],
  instances: [
    {
      ...{ id, project: "demo", desired, generation, hostId: "h1", operationId: null, failed: false },
      ...{ state: desired, deleted: desired === "deleted", machine: null },
    },
  ],
});

/** The violations that a client can see: these histories have no operations. */
const messages = (facts: readonly Fact[]): readonly string[] =>
  judgeFacts(facts)
    .violations.filter(({ message }) => !message.startsWith("Operation"))
    .map(({ promise, message }) => `${promise} ${message}`);

describe("the judgement of a history", () => {
  const made = [asked(1, "create"), told(1)];

  it("finds nothing when what was asked for last is what is there", () => {
    expect(messages([...made, asked(2, "stop"), told(2), quietWith("stopped", 2)])).to.deep.equal([]);
  });

  it("finds an acknowledged command that does not hold", () => {
    const [first] = messages([...made, asked(2, "stop"), told(2), quietWith("running", 2)]);
    expect(first).to.equal(
      `I4 Instance ${id} is wanted running, but the last command that c1 was told is accepted is call 2, instance.stop.`,
    );
  });

  it("goes back to the command before when one was refused", () => {
    const facts = [...made, asked(2, "stop"), told(2, "failed")];
    expect(messages([...facts, quietWith("running", 1)])).to.deep.equal([]);
    expect(messages([...facts, quietWith("stopped", 1)])).to.have.length(1);
  });

  it("says nothing where nobody knows what was accepted last", () => {
    const facts = [...made, asked(2, "stop"), told(2, "unknown")];
    for (const desired of ["running", "stopped"] as const) {
      expect(messages([...facts, quietWith(desired, 2)])).to.deep.equal([]);
    }
  });

  it("finds a lost instance, and a call that was never answered", () => {
    const found = messages([...made, asked(2, "stop"), { ...quietWith("running", 1), instances: [] }]);
    expect(found.join("\n")).to.contain(`I4 Instance ${id} was acknowledged and is lost.`);
    expect(found.join("\n")).to.contain("I6 Call 2 of c1 (instance.stop) was never answered.");
  });

  it("says so when a run did not come to its end", () => {
    expect(judgeFacts(made)).to.deep.include({ complete: false, violations: [] });
  });
});

describe("the judgement of floods", () => {
  const held = (atMs: number): Fact => {
    return { kind: "guestHeld", atMs, hostId: "h1", instanceId: id, ownerEpoch: 1, pid: 77 };
  };
  const fenced = (atMs: number): Fact => {
    const event = { sequence: 11, atMs, project: "admin", noun: "host", id: "h1", event: "fenced", body: {} };
    return { kind: "watched", atMs, watcher: "watch-admin", project: "admin", event };
  };
  const fault = (kind: FaultRecord["kind"], atMs: number, target = "other"): FaultRecord => {
    return { kind, target, atMs, untilMs: atMs + 10_000, outcome: "done", note: `${kind} it` };
  };
  const found = (facts: readonly Fact[], faults: readonly FaultRecord[]) =>
    judgeFacts([...facts, { ...quietWith("running", 1), atMs: 200_000 }], faults)
      .violations.filter(({ promise }) => promise === "I11")
      .map(({ message }) => message);

  it("finds guests of others that were stopped, and hosts that were fenced", () => {
    const flood = fault("flood", 100_000);
    expect(found([held(99_000), held(116_000)], [flood])).to.deep.equal([]);
    expect(found([held(105_000)], [flood])).to.deep.equal([
      `The guest of instance ${id} was stopped during a flood (flood it).`,
    ]);
    expect(found([fenced(112_000)], [flood])).to.deep.equal([
      "Host h1 was fenced during a flood (flood it).",
    ]);
  });

  it("says nothing of the project that floods, nor where something else was broken", () => {
    expect(found([held(105_000)], [fault("flood", 100_000, "demo")])).to.deep.equal([]);
    for (const atMs of [60_000, 108_000])
      expect(found([held(105_000)], [fault("flood", 100_000), fault("kill", atMs)])).to.deep.equal([]);
    const long = [fault("flood", 100_000), fault("kill", 20_000)];
    expect(found([held(105_000)], long)).to.have.length(1);
  });
});

describe("the records of a run", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-records-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const facts: readonly Fact[] = [
    asked(1, "create"),
    { kind: "guestStarted", atMs: 104, hostId: "h1", instanceId: id, ownerEpoch: 1, pid: 77 },
    told(1),
    quietWith("running", 1),
  ];
  const [atMs, untilMs] = [105, 105];
  const fault: FaultRecord = { kind: "kill", target: "nats", atMs, untilMs, outcome: "done", note: "pid 3" };

  it("are read back in the order in which they were told, from all files", async () => {
    const recorder = openRecorder(directory);
    for (const fact of facts) recorder.tell(fact);
    recorder.tellFault(fault);
    recorder.tellLife({ name: "nats", pid: 3, atMs: 100, untilMs: 105 });
    await recorder.close();
    const read = readRecords(directory);
    expect(read.facts).to.deep.equal(facts);
    expect(read.faults).to.deep.equal([fault]);
    expect(read.lives).to.deep.equal(recorder.lives);
    expect(() => openRecorder(directory)).to.throw("holds the history of another run");
    appendFileSync(join(directory, "history.jsonl"), "{half\n");
    expect(() => readRecords(directory)).to.throw(/history\.jsonl:3 is no JSON/);
  });

  it("become figures and a picture, in which texts of others are only texts", () => {
    const figures = figuresOf(facts, [fault]);
    expect(figures).to.deep.include({ calls: 1, unanswered: 0, outcomes: { ok: 1, failed: 0, unknown: 0 } });
    expect(figures.duringFaults).to.deep.equal({ calls: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 });
    const svg = timeline({
      ...{ title: "<script>", fromMs: 0, untilMs: 9_000, violations: [] },
      records: { facts, faults: [{ ...fault, note: '"><b>' }], lives: [] },
    });
    expect(svg).to.contain("&#60;script&#62;").and.not.to.contain("<script>").and.not.to.contain("<b>");
  });
});
