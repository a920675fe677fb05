/** Budgets by value: what a sender gets in any time, whom it touches, and what is remembered. */
import { expect } from "chai";
import { Budgets, type Rate } from "../../../protocol/wire/budget.ts";
import { Random } from "../../simulator/random.ts";

const rate: Rate = { messagesPerSecond: 100, messagesBurst: 200, bytesPerSecond: 1_000, bytesBurst: 5_000 };

interface Taken {
  readonly atMs: number;
  readonly bytes: number;
}

/** By how much any window of what was taken is beyond burst and rate. */
function worstExcess(taken: readonly Taken[]): { readonly messages: number; readonly bytes: number } {
  const worst = { messages: Number.NEGATIVE_INFINITY, bytes: Number.NEGATIVE_INFINITY };
  for (let from = 0; from < taken.length; from += 97) {
    let bytes = 0;
    for (let to = from; to < taken.length; to += 1) {
      bytes += taken[to]?.bytes ?? 0;
      const seconds = ((taken[to]?.atMs ?? 0) - (taken[from]?.atMs ?? 0)) / 1_000;
      const messages = to - from + 1 - (rate.messagesBurst + rate.messagesPerSecond * seconds);
      worst.messages = Math.max(worst.messages, messages);
      worst.bytes = Math.max(worst.bytes, bytes - (rate.bytesBurst + rate.bytesPerSecond * seconds));
    }
  }
  return worst;
}

describe("budgets of messages and bytes", () => {
  it("give the burst at once, then the rate", () => {
    const budgets = new Budgets(rate, 10);
    const taken = (nowMs: number) =>
      Array.from({ length: 500 }, () => budgets.take("a", 0, nowMs)).filter(Boolean).length;
    expect([taken(0), taken(0), taken(1_000), taken(1_050), taken(60_000)]).to.deep.equal([
      200, 0, 100, 5, 200,
    ]);
  });

  it("can be spent by what was done, into a debt of a burst that time pays", () => {
    const budgets = new Budgets(rate, 10, true);
    expect(budgets.leftInMs("a", 0)).to.equal(0);
    budgets.spend("a", { messages: 199, bytes: 0 }, 0);
    expect(budgets.leftInMs("a", 0)).to.equal(0);
    budgets.spend("a", { messages: 100, bytes: 0 }, 0);
    expect(budgets.leftInMs("a", 0)).to.equal(1_000);
    expect(budgets.leftInMs("a", 400)).to.equal(600);
    budgets.spend("a", { messages: 1e9, bytes: 1e9 }, 1_000);
    expect(budgets.leftInMs("a", 1_000)).to.equal(5_001);
    expect(budgets.take("a", 0, 5_000), "in debt").to.equal(false);
    expect(budgets.leftInMs("b", 1_000), "of another").to.equal(0);
    expect(budgets.leftInMs("a", 6_002)).to.equal(0);
  });

  it("count bytes beside messages", () => {
    const budgets = new Budgets(rate, 10);
    const taken = [0, 0, 0, 500, 1_500].map((nowMs) => budgets.take("a", 2_500, nowMs));
    expect(taken).to.deep.equal([true, true, false, false, false]);
    expect([budgets.take("a", 2_500, 2_500), budgets.take("a", 1, 2_500)]).to.deep.equal([true, false]);
  });

  it("let a message that is larger than everything pass when nothing else was sent, and take all for it", () => {
    const budgets = new Budgets(rate, 10);
    expect([1, 2].map(() => budgets.take("a", 1e9, 0))).to.deep.equal([true, false]);
    expect(budgets.take("a", 1, 0)).to.equal(false);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`never give more than burst and rate times time, nor less to others (seed ${seed})`, () => {
      const random = new Random(`budget ${seed}`);
      const budgets = new Budgets(rate, 10);
      const taken: Taken[] = [];
      const quiet: boolean[] = [];
      for (let nowMs = 0, step = 0; step < 20_000; step += 1) {
        nowMs += random.chance(0.1) ? random.between(0, 100) : 0;
        const bytes = random.between(0, 60);
        if (budgets.take("greedy", bytes, nowMs)) taken.push({ atMs: nowMs, bytes });
        if (step % 1_000 === 0) quiet.push(budgets.take("quiet", 60, nowMs));
      }
      expect(quiet).to.not.include(false);
      const excess = worstExcess(taken);
      expect(Math.max(excess.messages, excess.bytes)).to.be.at.most(1e-6);
    });
  }

  it("remember a bounded number of names, and nobody's debt is forgotten by inventing more", () => {
    const budgets = new Budgets(rate, 100);
    for (let at = 0; at < 200; at += 1) expect(budgets.take("greedy", 0, at)).to.equal(true);
    let invented = 0;
    for (let at = 0; at < 10_000; at += 1) if (budgets.take(`name-${at}`, 0, 200)) invented += 1;
    expect(budgets.remembered).to.be.at.most(200);
    // 99 names with a message each, and the one bucket of all others.
    expect(invented).to.equal(99 + 200);
    expect(budgets.take("greedy", 0, 200 - 1)).to.equal(true);
    for (let at = 0; at < 30; at += 1) budgets.take("greedy", 0, 200);
    expect(budgets.take("greedy", 0, 200)).to.equal(false);
  });

  it("forget who was quiet for as long as its bucket takes to fill", () => {
    const budgets = new Budgets(rate, 100);
    for (let at = 0; at < 50; at += 1) budgets.take(`name-${at}`, 0, 0);
    budgets.take("a", 0, 5_001);
    budgets.take("a", 0, 10_002);
    expect(budgets.remembered).to.be.at.most(2);
  });
});
