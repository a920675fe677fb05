/** Heaps of work: a slice at a time, in turns, with one pace for all. */
import { expect } from "chai";
import { PacedLines } from "../../../actors/runtime/paced-lines.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("paced lines", () => {
  let clock: SimulatedClock;
  let done: string[];
  let lines: PacedLines<string>;
  beforeEach(() => {
    clock = new SimulatedClock();
    done = [];
    lines = new PacedLines({ clock, sliceLength: 4, pauseMs: 10, work: (piece) => void done.push(piece) });
  });
  /** What was done since it was last asked. */
  const slice = () => done.splice(0).join(" ");
  const heap = (name: string, length: number) => Array.from({ length }, (_, index) => `${name}${index + 1}`);

  it("do one slice at once, and one after each pause", async () => {
    lines.add(heap("a", 9));
    expect(slice()).to.equal("a1 a2 a3 a4");
    await clock.advance(9);
    expect(slice()).to.equal("");
    await clock.advance(1);
    expect(slice()).to.equal("a5 a6 a7 a8");
    await clock.advance(10);
    expect(slice()).to.equal("a9");
    await clock.advance(10);
    expect([slice(), clock.pending]).to.deep.equal(["", 0]);
  });

  it("have one pace for all heaps, and a small one does not wait for a great one", async () => {
    lines.add(heap("a", 100));
    lines.add(heap("b", 2));
    lines.add(heap("c", 100));
    expect(slice()).to.equal("a1 a2 a3 a4");
    await clock.advance(10);
    expect(slice()).to.equal("a5 b1 c1 a6");
    await clock.advance(10);
    expect(slice()).to.equal("b2 c2 a7 c3");
    await clock.advance(10);
    expect(slice()).to.equal("a8 c4 a9 c5");
    lines.clear();
  });

  it("do not do a slice with each of many small heaps", async () => {
    for (let index = 0; index < 10; index += 1) lines.add(heap(`h${index}-`, 2));
    expect(slice()).to.equal("h0-1 h0-2");
    await clock.advance(10);
    expect(slice()).to.equal("h1-1 h2-1 h3-1 h4-1");
    lines.clear();
  });

  it("drop what waits when they are cleared, and leave no timer", async () => {
    lines.add(heap("a", 9));
    lines.clear();
    expect(clock.pending).to.equal(0);
    await clock.advance(100);
    expect(slice()).to.equal("a1 a2 a3 a4");
    lines.add(heap("b", 1));
    expect(slice()).to.equal("b1");
    lines.clear();
  });
});
