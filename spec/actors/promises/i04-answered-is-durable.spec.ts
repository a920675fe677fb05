/** I4: an answer without a commit before it is found, and so is one whose promise is lost in the end. */

import { expect } from "chai";
import { answeredIsDurable } from "../../../actors/promises/i04-answered-is-durable.ts";
import { retentionLimits } from "../../../protocol/limits/retention.ts";
import { rowsOf } from "../../support/store-resources.ts";
import { createTurn, flavor, operation, request } from "../../support/store-rows.ts";
import { changed, committed, completed, facts, invoked, judged, quiet } from "./worlds.ts";

const asked = invoked(1, { method: "instance.create", id: "", requestId: "request-i" });
const answered = (answer: Readonly<Record<string, unknown>>) => [asked, completed(1, { answer })];
const born = committed(createTurn("i"));

describe("promise I4, answered is durable", () => {
  it("is kept when the commit comes before the answer, and stays", () => {
    const end = quiet({ instances: [facts("i")], operations: [operation("op-i", "i")] });
    expect(judged(answeredIsDurable(), [born, ...answered(changed("i", 1)), end])).to.deep.equal([]);
  });

  it("is broken by an answer whose request was not committed", () => {
    const other = { ...createTurn("i"), request: request("another") };
    const found = judged(answeredIsDurable(), [committed(other), ...answered(changed("i", 1))]);
    expect(found).to.deep.equal(["instance.create request-i of demo was answered, but never committed."]);
  });

  it("is broken by an instance, a generation or an operation that was not committed", () => {
    for (const answer of [changed("j", 1, "op-i"), changed("i", 2), changed("i", 1, "op-x")]) {
      expect(judged(answeredIsDurable(), [born, ...answered(answer)])).to.have.length(1);
    }
  });

  it("looks at all of a create of many", () => {
    const answer = { ...changed("i", 1), all: [changed("i", 1), changed("j", 1, "op-i")] };
    expect(judged(answeredIsDurable(), [born, ...answered(answer)])).to.have.length(1);
  });

  it("is broken by more or fewer than a create of many asked for", () => {
    const made = (ids: number, request: Readonly<Record<string, unknown>>) => {
      const all = Array.from({ length: ids }, (_, index) => changed(`i${index}`, 1));
      const call = invoked(1, { method: "instance.create", id: "", request });
      return judged(answeredIsDurable(), [call, completed(1, { answer: { ...all[0], all } })]);
    };
    expect(made(3, { count: 3 })).to.deep.equal([]);
    expect(made(2, { count: 3, atLeast: 2 })).to.deep.equal([]);
    expect(made(2, { count: 3 })).to.have.length(1);
    expect(made(1, { count: 3, atLeast: 2 })).to.have.length(1);
    expect(made(4, { count: 3, atLeast: 2 })).to.deep.equal([
      "Request r-1 was answered with 4 instances, of 3 and 2 at least.",
    ]);
  });

  it("is broken by a flavor that was answered and never committed", () => {
    const call = [
      invoked(1, { project: "admin", method: "flavor.create", id: "" }),
      completed(1, { answer: { flavor } }),
    ];
    const commit = { ...rowsOf({ flavors: [flavor] }), request: request("r-1", { project: "admin" }) };
    expect(judged(answeredIsDurable(), [committed(commit), ...call])).to.deep.equal([]);
    expect(judged(answeredIsDurable(), [born, ...call])).to.have.length(1);
  });

  it("judges no reads, no refusals and no answer that did not come", () => {
    const read = [invoked(1, { method: "instance.get" }), completed(1, { answer: changed("x", 9) })];
    const failed = [asked, completed(1, { outcome: "failed" }), asked, completed(1, { outcome: "unknown" })];
    expect(judged(answeredIsDurable(), [born, ...read, ...failed, quiet()])).to.deep.equal([]);
  });

  it("judges from outside by what is there in the end", () => {
    const end = (generation: number) =>
      quiet({ instances: [facts("i", { generation })], operations: [operation("op-i", "i")] });
    expect(judged(answeredIsDurable(), [...answered(changed("i", 2)), end(2)])).to.deep.equal([]);
    expect(judged(answeredIsDurable(), [...answered(changed("i", 2)), end(1)])).to.have.length(1);
    expect(judged(answeredIsDurable(), [...answered(changed("i", 2)), quiet()])).to.deep.equal([
      "Instance i was acknowledged and is lost.",
      "Operation op-i was acknowledged and is lost.",
    ]);
  });

  it("does not miss what may have been pruned since", () => {
    const late = quiet({ atMs: 1_100 + retentionLimits.tombstoneKeptMs });
    expect(judged(answeredIsDurable(), [...answered(changed("i", 2)), late])).to.deep.equal([]);
  });
});
