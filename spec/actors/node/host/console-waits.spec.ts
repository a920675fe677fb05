/** Waiting for consoles: one look a round for all who wait at the same place. */
import { expect } from "chai";
import { createConsoleReader } from "../../../../actors/node/host/console.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

function world({ logged = true } = {}) {
  const clock = new SimulatedClock();
  const logs = new Map<string, string>();
  const looks: string[] = [];
  let broken = false;
  const reader = createConsoleReader(
    {
      async read(instanceId, { offset = 0 }) {
        looks.push(instanceId);
        if (broken) throw new Error("The file system is gone.");
        const log = logs.get(instanceId);
        if (log === undefined) return undefined;
        return { text: log.slice(offset), offset, nextOffset: Math.max(offset, log.length), more: false };
      },
      trim: async () => undefined,
    },
    clock,
    logged,
  );
  const outcomes: string[] = [];
  const read = (instanceId: string, offset: number, signal = new AbortController().signal) => {
    const context = { deadlineMs: clock.monotonicMs() + 60_000, signal };
    reader.read({ instanceId, offset, waitMs: 30_000 }, context).then(
      ({ text }) => outcomes.push(text),
      (error: Error) => outcomes.push(error.message),
    );
  };
  return {
    clock,
    logs,
    looks,
    reader,
    outcomes,
    read,
    break: () => {
      broken = true;
    },
  };
}

describe("waiting for consoles", () => {
  it("looks once a round for all who wait for a guest, and answers all of them", async () => {
    const w = world();
    w.logs.set("a", "abc");
    for (let at = 0; at < hostLimits.consoleWaitersPerGuestMax; at += 1) w.read("a", 3);
    await w.clock.settle();
    w.looks.length = 0;
    await w.clock.advance(hostLimits.consolePollMs * 10);
    expect(w.looks).to.have.length(10);
    w.logs.set("a", "abcdef");
    await w.clock.advance(hostLimits.consolePollMs);
    expect(w.outcomes).to.deep.equal(Array.from({ length: 32 }, () => "def"));
    expect(w.reader.waiting).to.equal(0);
  });

  it("looks no more when nobody waits, and again for the next", async () => {
    const w = world();
    w.logs.set("a", "");
    const gone = new AbortController();
    w.read("a", 0, gone.signal);
    await w.clock.advance(500);
    gone.abort();
    await w.clock.advance(200);
    w.looks.length = 0;
    await w.clock.advance(10_000);
    expect([w.looks.length, w.reader.waiting, w.outcomes]).to.deep.equal([0, 0, [""]]);
    w.read("a", 0);
    await w.clock.settle();
    w.logs.set("a", "x");
    await w.clock.advance(hostLimits.consolePollMs);
    expect(w.outcomes).to.deep.equal(["", "x"]);
  });

  it("is refused at once on a host whose hypervisor logs none", async () => {
    const w = world({ logged: false });
    w.logs.set("a", "abc");
    w.read("a", 3);
    await w.clock.settle();
    expect([w.outcomes, w.looks]).to.deep.equal([
      ["The hypervisor of the instance's host logs no console."],
      [],
    ]);
  });

  it("gives each its own part when they wait at different places", async () => {
    const w = world();
    w.logs.set("a", "abc");
    w.read("a", 3);
    w.read("a", 5);
    await w.clock.settle();
    w.logs.set("a", "abcdef");
    await w.clock.advance(hostLimits.consolePollMs);
    expect(w.outcomes).to.have.members(["def", "f"]);
  });

  it("answers with the error when a log cannot be read any more", async () => {
    const w = world();
    w.logs.set("a", "");
    w.read("a", 0);
    await w.clock.settle();
    w.break();
    await w.clock.advance(hostLimits.consolePollMs);
    expect([w.outcomes, w.reader.waiting]).to.deep.equal([["The file system is gone."], 0]);
  });
});
