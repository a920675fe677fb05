/** When a host compares its fabric: each minute, sooner after a failure, and ever later while that stays. */
import { expect } from "chai";
import { bridgeNetworkLimits } from "../../../../nodes/drivers/bridge-network/limits.ts";
import { Rounds } from "../../../../nodes/drivers/bridge-network/rounds.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

const { comparePeriodMs: periodMs, compareJitterMs: jitterMs, compareRetryMs: retryMs } = bridgeNetworkLimits;

/** `found`: what the rounds say of the fabric. */
function makeRounds(found: { failure?: string }) {
  const clock = new SimulatedClock();
  const rounds = new Rounds(clock, silentLog);
  const atMs: number[] = [];
  rounds.start(async () => {
    atMs.push(clock.monotonicMs());
    if (found.failure === undefined) return;
    rounds.soon(found.failure);
    throw new Error(found.failure);
  });
  return { clock, rounds, atMs };
}

/** Stands directly behind a natural round: the next one is not due before a hurried one. */
async function afterRound(clock: SimulatedClock, atMs: readonly number[]): Promise<void> {
  const count = atMs.length;
  while (atMs.length === count) await clock.advance(1_000);
}

const pausesIn = (atMs: readonly number[], fromMs: number) =>
  atMs.map((one, index) => one - (atMs[index - 1] ?? fromMs));

describe("rounds of a host's fabric", () => {
  it("come once a minute, not all hosts' together", async () => {
    const { clock, rounds, atMs } = makeRounds({});
    await clock.advance(10 * periodMs);
    expect(atMs).to.have.length.within(10, 12);
    for (const pauseMs of pausesIn(atMs, 0)) expect(pauseMs).to.be.within(periodMs - jitterMs, periodMs);
    rounds.stop();
  });

  it("come soon after a failure, then ever later while it stays, and each minute at the latest", async () => {
    const found: { failure?: string } = { failure: "port 1" };
    const { clock, rounds, atMs } = makeRounds(found);
    rounds.soon("port 1");
    await clock.advance(6 * periodMs);
    const pausesMs = pausesIn(atMs, 0);
    expect(pausesMs.slice(0, 5)).to.deep.equal([1, 1, 2, 4, 8].map((times) => times * retryMs));
    for (const pauseMs of pausesMs.slice(5)) expect(pauseMs).to.be.within(periodMs - jitterMs, periodMs);
    rounds.stop();
  });

  it("come soon again when something else fails, or something has happened", async () => {
    const found: { failure?: string } = { failure: "port 1" };
    const { clock, rounds, atMs } = makeRounds(found);
    rounds.soon("port 1");
    await clock.advance(5 * periodMs);
    await afterRound(clock, atMs);
    for (const about of ["port 2", undefined]) {
      const sinceMs = clock.monotonicMs();
      const count = atMs.length;
      rounds.soon(about);
      // Whoever hurries again and again puts nothing off.
      await clock.advance(retryMs - 1);
      rounds.soon(undefined);
      await clock.advance(1);
      expect(atMs.slice(count).map((one) => one - sinceMs)).to.deep.equal([retryMs]);
      await clock.advance(5 * periodMs);
      await afterRound(clock, atMs);
    }
    rounds.stop();
  });

  it("come soon also for what fails while one of them runs, though that one finds all right", async () => {
    for (const known of [undefined, "port 1"]) {
      const clock = new SimulatedClock();
      const rounds = new Rounds(clock, silentLog);
      const atMs: number[] = [];
      rounds.start(async () => {
        atMs.push(clock.monotonicMs());
        // Of what the round has looked at already.
        if (atMs.length === 1) rounds.soon("port 1");
      });
      if (known !== undefined) rounds.soon(known);
      await afterRound(clock, atMs);
      await clock.advance(3 * periodMs);
      const [, first = 0, second = 0] = pausesIn(atMs, 0);
      expect(first).to.equal(retryMs);
      expect(second).to.be.within(periodMs - jitterMs, periodMs);
      rounds.stop();
    }
  });

  it("come at once when what was proved is known to be otherwise, and then as before", async () => {
    const { clock, rounds, atMs } = makeRounds({});
    await clock.advance(1_000);
    rounds.now();
    rounds.now();
    await clock.advance(0);
    expect(atMs).to.deep.equal([1_000]);
    await clock.advance(periodMs);
    expect(atMs).to.have.length(2);
    rounds.stop();
  });

  it("come each minute again when nothing fails any more", async () => {
    const found: { failure?: string } = { failure: "port 1" };
    const { clock, rounds, atMs } = makeRounds(found);
    rounds.soon("port 1");
    await clock.advance(periodMs);
    delete found.failure;
    await clock.advance(2 * periodMs);
    const count = atMs.length;
    await clock.advance(3 * periodMs);
    for (const pauseMs of pausesIn(atMs.slice(count), atMs[count - 1] ?? 0))
      expect(pauseMs).to.be.within(periodMs - jitterMs, periodMs);
    found.failure = "port 1";
    rounds.soon("port 1");
    const sinceMs = clock.monotonicMs();
    const before = atMs.length;
    await clock.advance(retryMs);
    expect((atMs[before] ?? 0) - sinceMs).to.be.at.most(retryMs);
    rounds.stop();
  });
});
