/** Of more findings than an answer has room for, the worst are said, and the others are counted by kind. */
import { expect } from "chai";
import { atMost } from "../../../../actors/control/doctor/at-most.ts";
import type { Finding } from "../../../../protocol/host.ts";

const some = (kind: Finding["kind"], count: number): Finding[] =>
  Array.from({ length: count }, (_, n) => ({ kind, subject: `${kind} ${n}`, message: "So.", next: "So." }));
const subjects = (findings: readonly Finding[]) => findings.map(({ subject }) => subject);

describe("doctor: more findings than an answer has room for", () => {
  it("are all said, in their order, while there is room", () => {
    const all = [...some("advice", 2), ...some("leak", 1)];
    expect(atMost(3, all, "here")).to.deep.equal(all);
  });

  it("are not hidden by advice, and are counted by kind", () => {
    const all = [...some("advice", 3), ...some("leak", 1), ...some("drift", 2), ...some("stuck", 1)];
    const told = atMost(3, all, "here");
    expect(subjects(told)).to.deep.equal(["leak 0", "drift 0", "drift 1", "here"]);
    expect(told.at(-1)).to.deep.include({
      ...{ kind: "stuck", subject: "here" },
      message: "4 more findings are there: 1 stuck, 3 advice.",
    });
  });

  it("are advice when nothing but advice is left out", () => {
    const told = atMost(1, [...some("advice", 2), ...some("drift", 1)], "here");
    expect(subjects(told)).to.deep.equal(["drift 0", "here"]);
    expect(told.at(-1)?.kind).to.equal("advice");
  });
});
