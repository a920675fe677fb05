/** I11: passed maxima are found: of things held, bytes sent, and messages in a second. */
import { expect } from "chai";
import {
  echoesPerSecondMax,
  nothingUnbounded,
  questionsPerSecondMax,
} from "../../../actors/promises/i11-nothing-unbounded.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { judged } from "./worlds.ts";

const held = (amount: number) =>
  ({ kind: "measured", atMs: 0, what: "the mailbox of i", amount, max: 10 }) as const;
const sent = (subject: string, change: { bytes?: number; atMs?: number; from?: string } = {}) =>
  ({ kind: "sent", atMs: 0, from: "controller-1", bytes: 1, subject, ...change }) as const;
const ensure = "novact.v1.cell.host.h1.ensure";
const command = "novact.v1.cell.cmd.demo.instance.create";
const many = (count: number, subject = ensure, atMs: (index: number) => number = () => 0) =>
  Array.from({ length: count }, (_, index) => sent(subject, { atMs: atMs(index) }));

describe("promise I11, nothing unbounded", () => {
  it("is broken by what holds more than its maximum", () => {
    expect(judged(nothingUnbounded(), [held(10)])).to.deep.equal([]);
    expect(judged(nothingUnbounded(), [held(11)])).to.deep.equal([
      "the mailbox of i holds 11; its maximum is 10.",
    ]);
  });

  it("is broken by a message that is too large for its kind", () => {
    const bytes = wireLimits.bodyBytesMax;
    expect(judged(nothingUnbounded(), [sent(command, { bytes })])).to.deep.equal([]);
    expect(judged(nothingUnbounded(), [sent(command, { bytes: bytes + 1 })])).to.have.length(1);
    expect(judged(nothingUnbounded(), [sent(ensure, { bytes: bytes + 1 })])).to.deep.equal([]);
    const answer = { bytes: wireLimits.answerBytesMax + 1 };
    expect(judged(nothingUnbounded(), [sent("_INBOX.a.b", answer)])).to.have.length(1);
  });

  it("is broken once a second by a sender who does not stop asking", () => {
    expect(judged(nothingUnbounded(), many(questionsPerSecondMax))).to.deep.equal([]);
    expect(judged(nothingUnbounded(), many(questionsPerSecondMax * 3))).to.have.length(1);
    const twoSeconds = many(questionsPerSecondMax * 4, ensure, (index) => (index % 2 === 0 ? 0 : 999));
    expect(judged(nothingUnbounded(), twoSeconds)).to.have.length(1);
  });

  it("counts each second, each sender and each kind by itself", () => {
    const spread = many(
      questionsPerSecondMax * 2,
      ensure,
      (index) => Math.floor(index / questionsPerSecondMax) * 1_000,
    );
    expect(judged(nothingUnbounded(), spread)).to.deep.equal([]);
    const others = many(questionsPerSecondMax).flatMap((one) => [one, { ...one, from: "controller-2" }]);
    expect(judged(nothingUnbounded(), others)).to.deep.equal([]);
    const kinds = [...many(questionsPerSecondMax), ...many(questionsPerSecondMax, command)];
    expect(judged(nothingUnbounded(), kinds)).to.deep.equal([]);
  });

  it("lets answers and events be as many as were asked for, but not without end", () => {
    const log = "novact.v1.cell.log.demo.instance.i.accepted";
    expect(judged(nothingUnbounded(), many(echoesPerSecondMax, log))).to.deep.equal([]);
    expect(judged(nothingUnbounded(), many(echoesPerSecondMax + 1, log))).to.have.length(1);
  });
});
