/** I5: a request id that is executed, accepted or answered a second time in another way is found. */
import { expect } from "chai";
import { sameIdSameAnswer } from "../../../actors/promises/i05-same-id-same-answer.ts";
import { retentionLimits } from "../../../protocol/limits/retention.ts";
import { event, flavor, request } from "../../support/store-rows.ts";
import { changed, committed, completed, invoked, judged, quiet, refused, told } from "./worlds.ts";

type Answer = Readonly<Record<string, unknown>>;
const asked = (call: number, answer: Answer, change: object = {}) => [
  invoked(call, { requestId: "r", ...change }),
  completed(call, { answer }),
];
const found = (first: Answer, second: Answer, change: object = {}) =>
  judged(sameIdSameAnswer(), [...asked(1, first), ...asked(2, second, change)]);
const accepted = (id = "i") => event(id, "accepted", { requestId: "r" });

describe("promise I5, same id, same answer", () => {
  it("is kept by a repetition that is answered alike, at whatever time of the operation", () => {
    expect(found(changed("i", 1), changed("i", 2))).to.deep.equal([]);
    const many = { ...changed("i", 1), all: [changed("i", 1), changed("j", 1)] };
    expect(found(many, many)).to.deep.equal([]);
  });

  it("is kept by other ids, other projects, and reads", () => {
    expect(found(changed("i", 1), changed("j", 1), { requestId: "s" })).to.deep.equal([]);
    expect(found(changed("i", 1), changed("j", 1), { project: "other" })).to.deep.equal([]);
    expect(found(changed("i", 1), changed("j", 1), { method: "instance.get" })).to.deep.equal([]);
  });

  it("is broken by an answer about another instance, operation or flavor", () => {
    expect(found(changed("i", 1), changed("j", 1, "op-i"))).to.have.length(1);
    expect(found(changed("i", 1), changed("i", 1, "op-2"))).to.have.length(1);
    expect(found({ flavor }, { flavor: { ...flavor, id: "flavor-2" } })).to.have.length(1);
    const many = (...ids: string[]) => ({ all: ids.map((id) => changed(id, 1)) });
    expect(found(many("i", "j"), many("i", "k"))).to.have.length(1);
  });

  it("is broken by a request that is committed twice", () => {
    const commit = { request: request("r") };
    expect(judged(sameIdSameAnswer(), [committed(commit), refused(commit)])).to.deep.equal([]);
    expect(judged(sameIdSameAnswer(), [committed(commit), committed(commit)])).to.have.length(1);
    const other = { request: request("r", { project: "other" }) };
    expect(judged(sameIdSameAnswer(), [committed(commit), committed(other)])).to.deep.equal([]);
  });

  it("forgets a request after its time", () => {
    const commit = { request: request("r") };
    const later = committed(commit, { atMs: 1_000 + retentionLimits.requestKeptMs });
    expect(judged(sameIdSameAnswer(), [committed(commit), later])).to.deep.equal([]);
  });

  it("is broken by two accepted events of one request and instance", () => {
    const once = committed({
      events: [accepted(), accepted("j"), event("i", "accepted"), event("i", "accepted")],
    });
    expect(judged(sameIdSameAnswer(), [once])).to.deep.equal([]);
    expect(judged(sameIdSameAnswer(), [once, committed({ events: [accepted()] })])).to.have.length(1);
  });

  it("looks at the events that are left as well", () => {
    const of = (sequence: number) => ({ ...told(sequence), ...accepted() });
    expect(judged(sameIdSameAnswer(), [quiet({ events: [of(1)] })])).to.deep.equal([]);
    expect(judged(sameIdSameAnswer(), [quiet({ events: [of(1), of(2)] })])).to.have.length(1);
  });
});
