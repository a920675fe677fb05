/** The contract of every implementation of storage leases. */
import { expect } from "chai";
import type { StorageLeases } from "../../actors/ports/storage-leases.ts";

export interface StorageLeasesBench {
  readonly own: StorageLeases;
  /** The storage leases of another host on the same storage. */
  readonly other: StorageLeases;
  /** Another life of the agent on the same host as `own`. */
  nextLife(): StorageLeases;
  /** A guest that another host may take over; answers how to kill it. */
  startGuest(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const lease = { hostId: "h1", leaseEpoch: 3 };

export function storageLeasesContract(name: string, makeBench: () => Promise<StorageLeasesBench>): void {
  describe(`${name} keeps the promises of the port for leases on storage`, () => {
    let bench: StorageLeasesBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(() => bench.close());
    const seen = () => bench.other.examine(lease, false);
    const take = () => bench.other.examine(lease, true);

    it("shows a lease that is held, and gives it to nobody", async () => {
      expect(await seen()).to.equal("absent");
      expect(await take()).to.equal("absent");
      expect(await bench.own.hold(lease)).to.equal("held");
      expect(await bench.own.hold(lease)).to.equal("held");
      expect(await seen()).to.equal("held");
      expect(await take()).to.equal("held");
    });

    it("shows what is free to all who look at once: they are not each other's holder", async () => {
      await bench.own.hold(lease);
      await bench.own.close();
      const looks = Array.from({ length: 10 }, seen);
      expect(new Set(await Promise.all(looks))).to.deep.equal(new Set(["free"]));
    });

    it("gives a lease once nobody holds it, for good", async () => {
      await bench.own.hold(lease);
      await bench.own.close();
      expect(await seen()).to.equal("free");
      expect(await take()).to.equal("taken");
      expect(await take()).to.equal("taken");
      expect(await seen()).to.equal("taken");
      expect(await bench.nextLife().hold(lease)).to.equal("taken");
      expect(await bench.nextLife().hold({ ...lease, leaseEpoch: 4 })).to.equal("held");
    });

    it("is held by every guest as long as its process lives, whatever becomes of the agent", async () => {
      await bench.own.hold(lease);
      const ends = [await bench.startGuest(), await bench.startGuest()];
      await bench.own.close();
      for (const end of ends) {
        expect(await take()).to.equal("held");
        await end();
      }
      expect(await take()).to.equal("taken");
    });

    it("is held by the next life of the agent, with its guests", async () => {
      await bench.own.hold(lease);
      const end = await bench.startGuest();
      await bench.own.close();
      expect(await bench.nextLife().hold(lease)).to.equal("held");
      await end();
      expect(await take()).to.equal("held");
    });

    it("does not cover a guest that was begun without it, until that one has ended", async () => {
      const end = await bench.startGuest();
      const next = bench.nextLife();
      expect(await next.hold(lease)).to.equal("uncovered");
      await end();
      expect(await next.hold(lease)).to.equal("held");
    });

    it("begins no guest under a lease that was taken", async () => {
      await bench.own.hold(lease);
      await bench.own.close();
      await take();
      const next = bench.nextLife();
      expect(await next.hold(lease)).to.equal("taken");
      const failed = await bench.startGuest().catch((error: unknown) => error);
      expect(failed).to.include({ reason: "hypervisorRefused" });
    });

    it("gives up the lease of an earlier epoch with the next one", async () => {
      await bench.own.hold(lease);
      expect(await bench.own.hold({ ...lease, leaseEpoch: 4 })).to.equal("held");
      expect(await seen()).to.not.equal("held");
    });

    it("holds leases of several hosts apart", async () => {
      await bench.own.hold(lease);
      expect(await bench.other.hold({ hostId: "h2", leaseEpoch: 1 })).to.equal("held");
      await bench.own.close();
      expect(await take()).to.equal("taken");
      expect(await bench.own.examine({ hostId: "h2", leaseEpoch: 1 }, true)).to.equal("held");
    });
  });
}
