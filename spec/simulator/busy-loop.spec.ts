/** The simulated event loop: what costs time delays what comes after it, and nothing overtakes. */
import { expect } from "chai";
import { BusyLoop } from "./busy-loop.ts";
import { Kernel } from "./kernel.ts";
import { SimulatedProcess } from "./process.ts";
import { Random } from "./random.ts";
import { Trace } from "./trace.ts";

function world() {
  const kernel = new Kernel(new Trace(undefined), new Random("loop"));
  const process = new SimulatedProcess(kernel, "c1", { name: "c1", wallShiftMs: 0, monotonicShiftMs: 0 });
  const loop = new BusyLoop(kernel);
  process.loop = loop;
  loop.begin();
  const done: string[] = [];
  const at = (ms: number, name: string, takesMs = 0) =>
    kernel.after(process, ms, "", () => {
      loop.add(takesMs);
      done.push(`${name} ${Math.floor(kernel.nowMs)}`);
    });
  return { kernel, process, loop, done, at };
}

describe("the event loop of a simulated process", () => {
  it("lets everything wait behind what takes long, in the order in which it came", async () => {
    const { kernel, done, at } = world();
    at(10, "long", 500);
    for (const name of ["timer", "answer", "renewal"]) at(20, name);
    at(505, "later");
    await kernel.run(1_000);
    expect(done).to.deep.equal(["long 10", "timer 510", "answer 510", "renewal 510", "later 510"]);
  });

  it("drops what was called off or is of the dead, and waits while it is paused", async () => {
    const { kernel, process, done, at } = world();
    at(10, "long", 100);
    const called = at(20, "called off");
    at(20, "kept");
    kernel.after({ name: "", alive: true, paused: false, backlog: [] }, 50, "", () => {
      called.run = undefined;
      process.pause();
    });
    await kernel.run(300);
    expect(done).to.deep.equal(["long 10"]);
    process.resume();
    await kernel.run(400);
    expect(done).to.deep.equal(["long 10", "kept 300"]);
    at(10, "never");
    process.kill();
    await kernel.run(1_000);
    expect(done).to.have.length(2);
  });

  it("takes no time any more once nobody is hostile, and loses nothing", async () => {
    const { kernel, loop, done, at } = world();
    for (let index = 0; index < 1_000; index += 1) at(10, `step ${index}`);
    await kernel.run(20);
    expect(done.length).to.be.greaterThan(100).and.lessThan(1_000);
    loop.end();
    await kernel.run(21);
    expect(done).to.have.length(1_000);
    expect(loop.length).to.equal(0);
  });
});
