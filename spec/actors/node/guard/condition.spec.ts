/** What the states of threads say of their process, by value. */
import { expect } from "chai";
import { conditionOf } from "../../../../actors/node/guard/condition.ts";

describe("a process's condition", () => {
  const cases = [
    { states: ["S", "S", "R"], is: "running", when: "its threads run or wait" },
    { states: ["T", "T", "T"], is: "stopped", when: "every thread is stopped" },
    { states: ["t", "T"], is: "stopped", when: "every thread is stopped, one by a tracer" },
    { states: ["T", "T", "D"], is: "running", when: "one thread waits for storage in the kernel" },
    { states: ["D", "S", "S"], is: "running", when: "the leader waits for storage, so that nobody stops" },
    { states: ["Z", "D"], is: "running", when: "the leader was killed and a thread waits for storage" },
    { states: ["Z", "S"], is: "running", when: "the leader has ended and a thread goes on" },
    { states: ["Z", "T"], is: "stopped", when: "the leader has ended and the others are stopped" },
    { states: ["Z"], is: "gone", when: "a zombie is left, which waits to be reaped" },
    { states: ["Z", "X", "Z"], is: "gone", when: "every thread has ended" },
    { states: [], is: "gone", when: "there is no such process" },
  ] as const;
  for (const { states, is, when } of cases)
    it(`is ${is} when ${when}: ${states.join(" ") || "none"}`, () => {
      expect(conditionOf(states)).to.equal(is);
    });
});
