/**
 * The contract of every guard: the port's promises, told as behaviour. The fake passes on simulated time, the
 * real one with real guests. Deadlines are short; a host lease of ten seconds differs in nothing else.
 */
import { expect } from "chai";
import { guardLimits } from "../../actors/node/guard/limits.ts";
import type { Guard } from "../../actors/ports/guard.ts";

export type GuestCondition = "running" | "stopped" | "gone";

export interface GuardBench {
  /** Opens the guard as a starting agent does: the one that runs, or a new one. */
  open(): Promise<Guard>;
  nowMs(): number;
  pass(ms: number): Promise<void>;
  /** A guest that writes to its disk on shared storage as long as it runs; answers its id. */
  startGuest(options: { readonly fence: boolean }): Promise<string>;
  /** The condition of the guest's process; `gone`: the process has ended. */
  conditionOf(instanceId: string): Promise<GuestCondition>;
  /** Whether the guest writes to its disk within some time. */
  isWritten(instanceId: string): Promise<boolean>;
  /** Another host takes the guest's disk over. */
  takeOver(instanceId: string): Promise<void>;
  /** Another host starts the guest on the disk that it has taken over: false when it is still in use. */
  canOpenDisk(instanceId: string): Promise<boolean>;
  endGuest(instanceId: string): Promise<void>;
  /** The guard dies, as under SIGKILL. */
  killGuard(): Promise<void>;
  close(): Promise<void>;
}

/** A bench whose shared storage can be made to hang. */
export interface HangingBench extends GuardBench {
  /** Every access to the storage waits in the kernel, that of guests too. */
  hang(): Promise<void>;
  answer(): Promise<void>;
}

/** Time after the deadline within which a guest must be stopped. */
const graceMs = 500;

/** Starts a guest and keeps the lease meanwhile: on a busy computer its boot takes longer than a lease. */
export async function startHeld(bench: GuardBench, guard: Guard): Promise<string> {
  let started = false;
  const starting = bench.startGuest({ fence: true }).finally(() => {
    started = true;
  });
  while (!started) {
    await guard.extend(bench.nowMs() + 9_000);
    await bench.pass(100);
  }
  return starting;
}

export function guardContract(
  name: string,
  options: { readonly timeoutMs: number; makeBench(): Promise<GuardBench> },
): void {
  describe(`${name} keeps the guard port's promises`, function () {
    this.timeout(options.timeoutMs);
    let bench: GuardBench;
    let guard: Guard;
    beforeEach(async () => {
      bench = await options.makeBench();
      guard = await bench.open();
    });
    afterEach(() => bench.close());

    /** Extends to a deadline that many ms ahead, and lets it pass. */
    const expire = async (ms = 200) => {
      await guard.extend(bench.nowMs() + ms);
      await bench.pass(ms + graceMs);
    };
    /** The condition of a guest that was told to stop: a thread may still wait for a disk that is slow. */
    const atRest = async (id: string) => {
      const untilMs = bench.nowMs() + guardLimits.guardStopProofMs;
      while (bench.nowMs() < untilMs && (await bench.conditionOf(id)) === "running") await bench.pass(20);
      return bench.conditionOf(id);
    };
    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      );

    it("never stops a guest whose lease is extended in time", async () => {
      const id = await startHeld(bench, guard);
      for (let round = 0; round < 6; round += 1) {
        await guard.extend(bench.nowMs() + 700);
        await bench.pass(300);
        expect(await bench.conditionOf(id)).to.equal("running");
      }
      expect(guard.alive).to.equal(true);
    });

    it("stops a guest at the deadline, and nothing is written any more", async () => {
      const id = await startHeld(bench, guard);
      await guard.extend(bench.nowMs() + 1_500);
      expect(await bench.isWritten(id)).to.equal(true);
      await expire();
      expect(await atRest(id)).to.equal("stopped");
      expect(await bench.isWritten(id)).to.equal(false);
    });

    it("leaves a guest alone that nobody else may take over", async () => {
      const id = await bench.startGuest({ fence: false });
      await expire();
      expect(await bench.conditionOf(id)).to.equal("running");
    });

    it("stops a guest that appears after the deadline", async () => {
      await expire();
      const id = await bench.startGuest({ fence: true });
      await bench.pass(graceMs);
      expect(await atRest(id)).to.equal("stopped");
    });

    it("lets what it has stopped go on when the lease is renewed late, before it answers", async () => {
      const id = await startHeld(bench, guard);
      await expire();
      await guard.extend(bench.nowMs() + 9_000);
      expect(await bench.conditionOf(id)).to.equal("running");
      expect(await bench.isWritten(id)).to.equal(true);
    });

    it("ends a guest whose disk was taken over, and the disk is free", async () => {
      const id = await startHeld(bench, guard);
      await expire();
      expect(await atRest(id)).to.equal("stopped");
      await bench.takeOver(id);
      await bench.pass(graceMs);
      expect(await bench.conditionOf(id)).to.equal("gone");
      expect(await bench.canOpenDisk(id)).to.equal(true);
    });

    it("never lets a guest go on whose disk was taken over, though the lease is renewed", async () => {
      const [taken, kept] = [await startHeld(bench, guard), await startHeld(bench, guard)];
      await expire();
      await bench.takeOver(taken);
      await guard.extend(bench.nowMs() + 9_000);
      await bench.pass(graceMs);
      expect(await bench.conditionOf(taken)).to.equal("gone");
      expect(await bench.conditionOf(kept)).to.equal("running");
    });

    it("goes on when it is let go of, and is found again", async () => {
      const id = await startHeld(bench, guard);
      let told = 0;
      guard.onEnd(() => {
        told += 1;
      });
      await guard.extend(bench.nowMs() + 300);
      await guard.close();
      expect(guard.alive).to.equal(false);
      await bench.pass(300 + graceMs);
      expect(await atRest(id)).to.equal("stopped");
      const again = await bench.open();
      await again.extend(bench.nowMs() + 9_000);
      expect(await bench.conditionOf(id)).to.equal("running");
      expect(told).to.equal(0);
      expect(await failure(guard.extend(bench.nowMs() + 9_000))).to.be.instanceOf(Error);
    });

    it("tells of its end, and the next one keeps to its deadline and continues what it has stopped", async () => {
      const id = await startHeld(bench, guard);
      let told = 0;
      guard.onEnd(() => {
        told += 1;
      });
      await expire();
      await bench.killGuard();
      await bench.pass(100);
      expect(told).to.equal(1);
      expect(guard.alive).to.equal(false);
      guard.onEnd(() => {
        told += 1;
      });
      expect(told).to.equal(2);
      expect(await failure(guard.extend(bench.nowMs() + 9_000))).to.be.instanceOf(Error);
      const next = await bench.open();
      await bench.pass(graceMs);
      expect(await atRest(id)).to.equal("stopped");
      await next.extend(bench.nowMs() + 9_000);
      expect(await bench.conditionOf(id)).to.equal("running");
    });

    it("does not end while there is a guest to guard, and ends afterwards", async () => {
      const id = await startHeld(bench, guard);
      await guard.extend(bench.nowMs() + 9_000);
      expect(await failure(guard.end())).to.be.instanceOf(Error);
      await guard.extend(bench.nowMs() + 9_000);
      await bench.endGuest(id);
      await guard.end();
      expect(guard.alive).to.equal(false);
      expect((await bench.open()).alive).to.equal(true);
    });
  });
}

/** What every guard promises of guests whose storage hangs: its word is true at every moment. */
export function hangingGuardContract(
  name: string,
  options: { readonly timeoutMs: number; makeBench(): Promise<HangingBench> },
): void {
  describe(`${name} keeps the promises while the storage of its guests hangs`, function () {
    this.timeout(options.timeoutMs);
    let bench: HangingBench;
    let guard: Guard;
    beforeEach(async () => {
      bench = await options.makeBench();
      guard = await bench.open();
    });
    afterEach(() => bench.close());

    const refusal = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      );
    /** The guest writes some twenty times a second: one of its writes waits for the storage afterwards. */
    const untilItWaits = () => bench.pass(500);
    /** Lets the deadline pass, and the time after which a guest that does not stop is killed. */
    const expire = async () => {
      await guard.extend(bench.nowMs() + 200);
      await bench.pass(200 + guardLimits.guardStopProofMs + graceMs);
    };

    it("kills a guest that cannot be stopped, and counts it as long as a thread of it is left", async () => {
      const id = await startHeld(bench, guard);
      await bench.hang();
      await untilItWaits();
      await expire();
      expect(await bench.isWritten(id)).to.equal(false);
      expect(await bench.conditionOf(id), "it has a thread that waits").to.equal("running");
      expect(await refusal(guard.end())).to.be.instanceOf(Error);
      await bench.answer();
      while ((await bench.conditionOf(id)) !== "gone") await bench.pass(20);
      await bench.takeOver(id);
      expect(await bench.canOpenDisk(id)).to.equal(true);
    });

    it("never continues one that it has killed, though the lease is renewed before it is gone", async () => {
      const id = await startHeld(bench, guard);
      await bench.hang();
      await untilItWaits();
      await expire();
      await guard.extend(bench.nowMs() + 9_000);
      expect(await bench.conditionOf(id)).to.equal("running");
      await bench.answer();
      while ((await bench.conditionOf(id)) !== "gone") await bench.pass(20);
      expect(guard.alive).to.equal(true);
    });

    it("is counted by the guard after it as well, which may come only when the storage answers", async () => {
      const id = await startHeld(bench, guard);
      await bench.hang();
      await untilItWaits();
      await expire();
      await bench.killGuard();
      expect(await refusal(bench.open().then((next) => next.end()))).to.be.instanceOf(Error);
      expect(await bench.conditionOf(id)).to.equal("running");
      await bench.answer();
      while ((await bench.conditionOf(id)) !== "gone") await bench.pass(20);
      const next = await bench.open();
      await next.end();
    });
  });
}
