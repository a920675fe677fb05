/** A storage of volumes that does not answer: who asks hears so, and nobody waits with it. */
import { expect } from "chai";
import { type Answered, type Asked, AskedStorage } from "../../../../nodes/drivers/volumes/asked.ts";
import { volumeLimits } from "../../../../nodes/drivers/volumes/limits.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

class Thread {
  readonly asked: Asked[] = [];
  hear: (answered: Answered | Error) => void = () => undefined;

  postMessage(asked: Asked): void {
    this.asked.push(asked);
  }

  listen(hear: (answered: Answered | Error) => void): void {
    this.hear = hear;
  }
}

describe("a storage of volumes that is asked", () => {
  let clock: SimulatedClock;
  let threads: Thread[];
  let storage: AskedStorage;
  let told: string[];
  beforeEach(() => {
    told = [];
    clock = new SimulatedClock();
    threads = [];
    storage = new AskedStorage(clock, () => {
      const thread = new Thread();
      threads.push(thread);
      return thread;
    });
  });

  const ask = (verb: "uses" | "room" = "uses") => {
    storage.ask(verb).then(
      () => told.push("answered"),
      (error: unknown) => told.push(error instanceof StatusError ? error.reason : String(error)),
    );
  };
  const settle = () => clock.settle();

  it("has one question at a time, and gives each its answer", async () => {
    for (const verb of ["uses", "room", "uses"] as const) ask(verb);
    for (const count of [1, 2, 3]) {
      await settle();
      expect(threads[0]?.asked).to.have.length(count);
      threads[0]?.hear({ value: [] });
    }
    await settle();
    expect(told).to.deep.equal(["answered", "answered", "answered"]);
    expect(threads).to.have.length(1);
  });

  it("is asked once while it does not answer, and again when it has", async () => {
    for (const _ of [1, 2, 3]) ask();
    await clock.advance(volumeLimits.storageAnswerMsMax + 1);
    expect(told).to.deep.equal(["storageUnknown", "storageUnknown", "storageUnknown"]);
    ask();
    await settle();
    expect(told).to.have.length(4);
    expect(threads[0]?.asked, "while it is silent").to.have.length(1);
    threads[0]?.hear({ value: [] });
    ask();
    await settle();
    expect(threads[0]?.asked).to.have.length(2);
    threads[0]?.hear({ value: [] });
    await settle();
    expect(told.at(-1)).to.equal("answered");
  });

  it("has another thread when one has ended, and says what a refusal is", async () => {
    ask();
    await settle();
    threads[0]?.hear(new StatusError("storageUnknown", "It has ended."));
    await settle();
    ask();
    await settle();
    expect(threads).to.have.length(2);
    threads[1]?.hear({ failure: { reason: "diskFull", message: "There is no room." } });
    await settle();
    ask();
    await settle();
    threads[1]?.hear({ failure: { message: "EIO" } });
    await settle();
    expect(told).to.deep.equal(["storageUnknown", "diskFull", "hypervisorRefused"]);
  });
});
