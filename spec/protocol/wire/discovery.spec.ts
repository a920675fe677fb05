/** Floods of questions: nobody listens for a while, and whoever asks afterwards is answered. */
import { expect } from "chai";
import { admissionLimits as limits } from "../../../protocol/limits/admission.ts";
import { commandBinding } from "../../../protocol/wire/binding.ts";
import { announce } from "../../../protocol/wire/discovery.ts";
import type { Bus, BusDoor } from "../../../protocol/wire/transport.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { flagService } from "../../support/toy-services.ts";

function world() {
  const clock = new SimulatedClock();
  const doors = new Map<string, BusDoor>();
  const serve: Bus["serve"] = (pattern, _queue, _handler, door) => {
    if (door !== undefined) doors.set(pattern, door);
    return { drain: async () => void doors.delete(pattern) };
  };
  const bus = { serve } as Bus;
  const ids = { next: () => "an-id" };
  const questions = announce({ bus, binding: commandBinding("test"), clock, ids }, [
    { service: flagService, endpoints: [] },
  ]);
  /** Number of the question with which listening ended; undefined: it did not. */
  const flood = (count: number): number | undefined => {
    const door = doors.get("$SRV.*");
    for (let at = 1; at <= count; at += 1) {
      door?.admit("$SRV.INFO", 0);
      if (doors.size === 0) return at;
    }
    return undefined;
  };
  return { clock, doors, questions, flood };
}

const patterns = ["$SRV.*", "$SRV.*.*", "$SRV.*.*.*"];

describe("questions of discovery", () => {
  it("are heard on while they are somewhat too many", async () => {
    const { clock, doors, flood } = world();
    for (let at = 0; at < 300; at += 1) {
      expect(flood(400)).to.equal(undefined);
      await clock.advance(100);
    }
    expect([...doors.keys()]).to.deep.equal(patterns);
  });

  it("are not heard while they flood, and are again afterwards", async () => {
    const { clock, doors, flood } = world();
    const pauses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      expect(flood(20_000)).to.be.within(300, 5_000);
      const beganMs = clock.monotonicMs();
      while (doors.size === 0) await clock.advance(10);
      pauses.push(clock.monotonicMs() - beganMs);
      expect([...doors.keys()]).to.deep.equal(patterns);
    }
    expect(pauses.slice(0, 2)).to.deep.equal([limits.muteMsMin, 2 * limits.muteMsMin]);
    expect(pauses.at(-1)).to.equal(limits.muteMsMax);
    await clock.advance(limits.muteForgottenMs);
    expect(doors.get("$SRV.*")?.admit("$SRV.INFO", 0)).to.equal("take");
  });

  it("are not heard any more once it is drained, though a pause was under way", async () => {
    const { clock, doors, questions, flood } = world();
    expect(flood(20_000)).not.to.equal(undefined);
    await questions.drain();
    await clock.advance(limits.muteMsMax);
    expect([...doors.keys()]).to.deep.equal([]);
  });
});
