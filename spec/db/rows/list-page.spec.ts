/** How far pages look, by value: which index is walked, what is judged, and where a page of events ends. */
import { expect } from "chai";
import type { InstanceQuery } from "../../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../../actors/ports/operation-reads.ts";
import { eventPageOf, lastBefore, windowOf } from "../../../db/rows/event-page.ts";
import { readLimits } from "../../../db/rows/limits.ts";
import { instanceWalk, metMax, operationWalk } from "../../../db/rows/list-page.ts";

const limit = 10;

describe("the walk of a list", () => {
  const instances: readonly (readonly [Omit<InstanceQuery, "limit">, string, boolean])[] = [
    [{}, "all", false],
    [{ project: "p" }, "all", false],
    [{ project: "p", names: ["a"] }, "names", false],
    [{ names: ["a"] }, "all", true],
    [{ project: "p", states: ["failed"] }, "states", false],
    [{ states: ["failed"] }, "all", true],
    [{ project: "p", states: ["failed"], names: ["a"] }, "names", true],
    [{ ids: ["a"], states: ["failed"] }, "ids", true],
    [{ ids: ["a"] }, "ids", false],
    [{ hostIds: ["h"] }, "hosts", false],
    [{ project: "p", serverGroupIds: ["g"] }, "groups", false],
    [{ project: "p", serverGroupIds: ["g"], deleted: true }, "all", true],
    [{ project: "p", names: ["a"], deleted: true }, "all", true],
    [{ project: "p", states: ["failed"], deleted: true }, "all", true],
    [{ hostIds: ["h"], deleted: true }, "hosts", false],
    [{ project: "p", namePattern: "a*" }, "all", true],
    [{ project: "p", states: ["failed"], changedSinceMs: 5 }, "states", true],
  ];
  for (const [query, by, judged] of instances)
    it(`of instances by ${JSON.stringify(query)} is along ${by}${judged ? ", and judges" : ""}`, () => {
      expect(instanceWalk({ ...query, limit })).to.include({ by, judged });
    });

  const operations: readonly (readonly [Omit<OperationQuery, "limit">, string, boolean])[] = [
    [{ project: "p" }, "all", false],
    [{ entityIds: ["i"] }, "entities", false],
    [{ entityIds: ["i"], states: ["running"] }, "entitiesRunning", false],
    [{ entityIds: ["h"], noun: "host" }, "entities", false],
    [{ noun: "host" }, "all", true],
    [{ entityIds: ["i"], states: ["failed"] }, "entities", true],
    [{ states: ["running"] }, "running", false],
    [{ states: ["running", "failed"] }, "all", true],
    [{ states: ["running"], kinds: ["stop"] }, "running", true],
    [{ sinceMs: 5 }, "all", true],
  ];
  for (const [query, by, judged] of operations)
    it(`of operations by ${JSON.stringify(query)} is along ${by}${judged ? ", and judges" : ""}`, () => {
      expect(operationWalk({ ...query, limit })).to.include({ by, judged });
    });

  it("meets as many rows as the page has, and a bounded number when it judges", () => {
    expect(metMax({ limit }, { judged: false })).to.equal(limit);
    expect(metMax({ limit }, { judged: true })).to.equal(readLimits.listScanMax);
  });
});

describe("the window of a page of events", () => {
  const kept = { newest: 100_000, trimmed: 50 };
  const scan = readLimits.eventScanMax;

  it("is bounded where no index serves the filter, in both orders", () => {
    expect(windowOf({ after: 60, limit }, kept)).to.deep.equal({ above: 60, upTo: 100_000 });
    expect(windowOf({ after: 60, limit, names: ["x"] }, kept)).to.deep.equal({ above: 60, upTo: 60 + scan });
    expect(windowOf({ after: 60, limit, nouns: ["x"], id: "i" }, kept).upTo).to.equal(100_000);
    const newest = { after: 60, limit, order: "newest" } as const;
    expect(windowOf(newest, kept)).to.deep.equal({ above: 60, upTo: 100_000 });
    const judged = { ...newest, nouns: ["x"] };
    expect(windowOf(judged, kept)).to.deep.equal({ above: 100_000 - scan, upTo: 100_000 });
    expect(windowOf({ ...judged, before: 71 }, kept)).to.deep.equal({ above: 60, upTo: 70 });
    expect(windowOf({ ...judged, after: 0, before: 71 }, kept)).to.deep.equal({ above: 50, upTo: 70 });
  });

  it("leads on behind itself when it found nothing, and ends where nothing is kept", () => {
    const judged = { after: 0, limit, order: "newest", nouns: ["x"] } as const;
    const first = eventPageOf([], judged, kept);
    expect(first).to.deep.equal({ events: [], last: 100_000, trimmed: 50, nextBefore: 100_001 - scan });
    const { above } = windowOf({ ...judged, before: first.nextBefore ?? 0 }, kept);
    expect(above).to.equal(100_000 - 2 * scan);
    expect(eventPageOf([], { ...judged, before: 51 }, kept)).to.not.have.property("nextBefore");
  });

  it("begins behind the last event that is earlier than a time", () => {
    const atMsOf = (sequence: number) => sequence * 10;
    for (const [since, expected] of [
      [0, 50],
      [511, 51],
      [510, 50],
      [777, 77],
      [5_000_000, 100_000],
    ] as const)
      expect(lastBefore(since, kept, atMsOf), String(since)).to.equal(expected);
  });
});
