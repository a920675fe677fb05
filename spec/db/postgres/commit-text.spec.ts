/** How commits are written for PostgreSQL: apart, merged into one, and taken apart again. By value. */
import { expect } from "chai";
import { apartText, encodeTurn, mergedText, splitOutcome } from "../../../db/postgres/commit-text.ts";
import * as rows from "../../support/store-rows.ts";

describe("the text of commits", () => {
  const first = encodeTurn({
    request: rows.request("r1", { answer: { b: 1, a: 2 } }),
    instances: [{ expectedVersion: 0, row: rows.instance("i1") }],
    machines: [],
    events: [rows.event("i1"), rows.event("i1")],
  });
  const second = encodeTurn({ instances: [{ expectedVersion: 1, row: rows.next(rows.instance("i2")) }] });
  const third = encodeTurn({ events: [rows.event("i3")] });

  it("tells new instances from changed ones, leaves empty lists out, and keeps the answer as a text", () => {
    expect(JSON.parse(apartText([first, second]))).to.deep.equal([
      {
        requests: [{ ...rows.request("r1"), answer: '{"b":1,"a":2}' }],
        created: [rows.instance("i1")],
        events: [rows.event("i1"), rows.event("i1")],
        usage: [{ project: "demo", instances: 1, vcpus: 1, memoryMib: 64 }],
      },
      { updated: [rows.next(rows.instance("i2"))] },
    ]);
  });

  it("merges commits into one that has the rows of all, in their order", () => {
    const [merged] = JSON.parse(mergedText([third, first, second]));
    expect(merged.events.map(({ id }: { id: string }) => id)).to.deep.equal(["i3", "i1", "i1"]);
    expect(merged).to.include.keys("requests", "created", "updated");
  });

  it("gives each merged commit the number of its own last event", () => {
    const outcomes = splitOutcome({ kind: "committed", lastSequence: 10 }, [third, second, first]);
    const committed = (lastSequence: number) => ({ kind: "committed", lastSequence });
    expect(outcomes).to.deep.equal([committed(8), committed(0), committed(10)]);
  });

  it("says nothing of the commits when the merged one was refused", () => {
    expect(splitOutcome({ kind: "conflict" }, [first, second])).to.equal(undefined);
  });

  it("says what follows for quotas and groups, once for what a commit does several times", () => {
    const [one, two] = ["i1", "i2"].map((id) =>
      rows.instance(id, { serverGroupId: "g", hostId: "h1", ownerEpoch: 1 }),
    );
    if (one === undefined || two === undefined) throw new Error("two rows");
    const born = { expectedVersion: 0, row: one };
    const claims = [rows.claim("i1"), rows.claim("i2")];
    const commit = encodeTurn({ instances: [born, { ...born, row: two }], claims });
    const [made] = JSON.parse(apartText([commit]));
    expect(made.usage).to.deep.equal([{ project: "demo", instances: 2, vcpus: 2, memoryMib: 128 }]);
    expect(made.grouped).to.deep.equal([
      { instanceId: "i1", hostId: "h1", groupId: "g" },
      { instanceId: "i2", hostId: "h1", groupId: "g" },
    ]);
    const gone = encodeTurn(rows.changeTurn(rows.deleted(one, 1)));
    expect(JSON.parse(apartText([gone]))[0]).to.include.keys("updated", "deleting");
    expect([commit, gone].map(({ mergeable }) => mergeable)).to.deep.equal([true, true]);
  });

  it("merges commits about instances, and of hosts that register, and no others", () => {
    expect([first, second, third].map(({ mergeable }) => mergeable)).to.deep.equal([true, true, true]);
    const lease = { leasesGranted: [{ hostId: "h1", leaseEpoch: 1 }] };
    const registration = encodeTurn({ hosts: [rows.inventory("h1")], ...lease });
    expect(registration).to.deep.include({ mergeable: true, writes: ["host h1", "host h1"] });
    expect(encodeTurn(lease)).to.deep.include({ mergeable: true, writes: ["host h1"] });
    expect(encodeTurn({ hostsRemoved: [{ hostId: "h1", parked: false }] })).to.include({ mergeable: false });
  });
});
