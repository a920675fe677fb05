/**
 * The contract of every keeper, whatever it keeps on a host: audit, doctor and the promise that nothing leaks
 * rely on it. The bench makes the driver keep something; the contract lists and releases it.
 */
import { expect } from "chai";
import type { Holding, Keeper } from "../../actors/ports/keeper.ts";

export interface KeeperBench {
  readonly keeper: Keeper;
  /** Makes the driver keep something for a guest of its own, of this owner epoch; answers whose it is. */
  keep(ownerEpoch: number): Promise<{ readonly instanceId: string }>;
  /** The keeper of the next life of the agent, on the same host. */
  restartAgent(): Promise<Keeper>;
  close(): Promise<void>;
}

export interface KeeperContract {
  readonly name: string;
  makeBench(): Promise<KeeperBench>;
  /** False: its holdings do not tell their owner epoch. Absent: true. */
  readonly tellsEpoch?: boolean;
  /** Time-out of each test. */
  readonly timeoutMs: number;
}

const never = new AbortController().signal;

export function keeperContract({ name, makeBench, tellsEpoch = true, timeoutMs }: KeeperContract): void {
  describe(`${name} keeps the keeper port's promises`, function () {
    this.timeout(timeoutMs);
    let bench: KeeperBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(() => bench.close());

    const of = (all: readonly Holding[], instanceId: string) =>
      all.filter((one) => one.instanceId === instanceId);

    it("has a word for what it keeps, and keeps nothing at first", async () => {
      expect(bench.keeper.kind).to.match(/^[a-z][a-z0-9-]{0,31}$/);
      expect(await bench.keeper.list()).to.deep.equal([]);
    });

    it("lists what it keeps for each guest, in words that tell one from the other", async () => {
      const [one, other] = [await bench.keep(3), await bench.keep(4)];
      const all = await bench.keeper.list();
      expect(new Set(all.map((each) => `${each.instanceId} ${each.what}`)).size).to.equal(all.length);
      for (const [{ instanceId }, ownerEpoch] of [[one, 3] as const, [other, 4] as const]) {
        const holdings = of(all, instanceId);
        expect(holdings).not.to.deep.equal([]);
        for (const holding of holdings) {
          expect(holding.ownerEpoch).to.equal(tellsEpoch ? ownerEpoch : 0);
          expect(holding.what).to.match(/^[a-z].{2,199}$/);
        }
      }
    });

    it("finds it by looking: the agent's next life lists the same, and can release it", async () => {
      const { instanceId } = await bench.keep(1);
      const before = await bench.keeper.list();
      const keeper = await bench.restartAgent();
      expect(await keeper.list()).to.deep.equal(before);
      for (const holding of of(before, instanceId)) await keeper.release(holding, never);
      expect(await keeper.list()).to.deep.equal([]);
    });

    it("releases one, also twice, and nothing of another guest", async () => {
      const [one, other] = [await bench.keep(1), await bench.keep(1)];
      const before = await bench.keeper.list();
      const mine = of(before, one.instanceId);
      for (const holding of mine) await bench.keeper.release(holding, never);
      const left = await bench.keeper.list();
      expect(of(left, one.instanceId)).to.deep.equal([]);
      expect(of(left, other.instanceId)).to.deep.equal(of(before, other.instanceId));
      for (const holding of mine) await bench.keeper.release(holding, never);
      expect(await bench.keeper.list()).to.deep.equal(left);
    });

    it("releases nothing for a holding that is not there", async () => {
      const { instanceId } = await bench.keep(1);
      const before = await bench.keeper.list();
      await bench.keeper.release({ instanceId: "nobody", ownerEpoch: 1, what: "a thing 4711" }, never);
      await bench.keeper.release({ ...before[0], instanceId: "nobody", ownerEpoch: 1, what: "none" }, never);
      expect(of(await bench.keeper.list(), instanceId)).to.deep.equal(before);
    });
  });
}
