/** What a meter sees of an actor system: turns, mailboxes, refusals and restarts. */
import { expect } from "chai";
import { createActorSystem } from "../../../actors/runtime/actor.ts";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { Periodic } from "../../../actors/runtime/periodic.ts";
import type { ActorDefinition } from "../../../actors/runtime/system.ts";
import { silentLog } from "../../support/silent-log.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

function world() {
  const clock = new SimulatedClock();
  const meter = new CountingMeter(silentLog);
  const system = createActorSystem({ clock, log: silentLog, meter });
  clock.watch(() => system.busy);
  return { clock, meter, system };
}

/** Answers nothing; throws at `throw`, and has children. */
const actor = (name: string, mailboxLengthMax = 10): ActorDefinition<null, string> => ({
  name,
  mailboxLengthMax,
  init: async (context) => {
    if (name === "parent") context.spawn(actor("child"));
    return null;
  },
  receive: async (_state, message) => {
    if (message === "throw") throw new Error("told to");
    return null;
  },
});

describe("an actor system with a meter", () => {
  it("counts turns, and the messages that wait, children's too", async () => {
    const { clock, meter, system } = world();
    const parent = system.spawn(actor("parent"));
    await clock.settle();
    for (let at = 0; at < 5; at += 1) parent.tell("hello");
    expect(meter.valueOf("novact_mailbox_messages", {})).to.equal(5);
    expect(meter.valueOf("novact_mailbox_longest_messages", {})).to.equal(5);
    await clock.settle();
    expect(meter.valueOf("novact_actor_turns_total", {})).to.equal(5);
    expect(meter.valueOf("novact_actors", {})).to.equal(2);
    expect(meter.valueOf("novact_mailbox_messages", {})).to.equal(0);
    await system.stop();
    expect(meter.valueOf("novact_actors", {})).to.equal(0);
  });

  it("counts what a full mailbox refuses, told or asked, and not what a stopped actor does", async () => {
    const { clock, meter, system } = world();
    const ref = system.spawn(actor("small", 2));
    await clock.settle();
    const taken = [1, 2, 3, 4].map(() => ref.tell("hello"));
    const asked = ref.ask(() => "hello", { deadlineMs: clock.monotonicMs() + 1_000 }).catch(() => "refused");
    expect(taken).to.deep.equal([true, true, false, false]);
    expect(await asked).to.equal("refused");
    expect(meter.valueOf("novact_mailbox_refused_total", {})).to.equal(3);
    await clock.settle();
    await system.stop();
    ref.tell("late");
    expect(meter.valueOf("novact_mailbox_refused_total", {})).to.equal(3);
  });

  it("shows when each of its loops had its last round", async () => {
    const { clock, meter, system } = world();
    const loop = new Periodic(system, {
      name: "looks",
      pauseMs: () => 1_000,
      round: async ({ fail }) => fail(),
    });
    await loop.start();
    await clock.advance(300);
    const ended = meter.read("novact_loop_ended_seconds").map(({ labels, value }) => [...labels, value]);
    expect(ended).to.deep.equal([["looks", 0.3]]);
    expect(meter.valueOf("novact_loop_failed", { loop: "looks" })).to.equal(1);
    await loop.stop();
  });

  it("counts restarts, and actors that were given up, from 0 on", async () => {
    const { clock, meter, system } = world();
    const how = (kind: "restarted" | "failed") => meter.valueOf("novact_actor_restarts_total", { how: kind });
    expect(meter.read("novact_actor_restarts_total")).to.have.length(2);
    const ref = system.spawn(actor("fragile"));
    await clock.settle();
    ref.tell("throw");
    await clock.settle();
    expect([how("restarted"), how("failed")]).to.deep.equal([1, 0]);
    for (let at = 0; at < 10; at += 1) {
      ref.tell("throw");
      await clock.advance(5_000);
    }
    expect(how("failed")).to.equal(1);
  });
});
