/**
 * Disks left on shared storage, in whole clusters: the doctor finds them, the sweeper has them removed, and a
 * host never removes the disk of a machine that it has.
 */
import { expect } from "chai";
import { sharedStorageLimits } from "../../actors/shared-storage/limits.ts";
import { sweep } from "../../actors/shared-storage/sweeper.ts";
import { FakeStorage } from "../../nodes/drivers/fake/storage.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { machineSpec } from "../support/driver-world.ts";
import { HostWorld } from "../support/host-world.ts";
import { quietRound } from "../support/quiet-round.ts";

describe("disks on shared storage", function () {
  this.timeout(20_000);
  it("that nobody owns are removed by a host that sees them, and those of the living stay", async () => {
    const world = await controllerWorld();
    try {
      const host = await world.host("a", { storageId: "s1" });
      const create = async (name: string) =>
        (await world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait: true })).instance.id;
      const [alive, deleted] = [await create("alive"), await create("deleted")];
      await world.demo.instance.delete(deleted, { wait: true });
      host.sharedDisks = [
        { instanceId: alive, ownerEpoch: 1 },
        { instanceId: deleted, ownerEpoch: 1 },
        { instanceId: "stranger", ownerEpoch: 1 },
      ];
      const hosts = await world.store.hosts.list({ limit: 10 });
      const directory = { all: () => hosts, alive: () => true };
      const agent = () => host.storage;
      await sweep({ store: world.store, directory, agent }, { log: silentLog, ...quietRound() });
      expect(host.sharedDisks.map(({ instanceId }) => instanceId)).to.deep.equal([alive, "stranger"]);
      const { findings, compared } = await world.admin.doctor.examine({}, { timeoutMs: 60_000 });
      expect(compared).to.include({ sharedDisks: 2 });
      expect(findings.map(({ subject }) => subject)).to.include("disk of stranger");
    } finally {
      await world.stop();
    }
  });

  describe("as a host tells of them", () => {
    let world: HostWorld;
    let storage: FakeStorage;
    beforeEach(() => {
      storage = new FakeStorage("s1");
      world = new HostWorld({ storage });
    });
    afterEach(() => world.end());
    const handlers = () => world.host.handlers;
    const make = (instanceId: string, ownerEpoch = 1) =>
      storage.ensure(machineSpec({ instanceId, ownerEpoch }));

    it("come in pages, with all epochs of an instance in the same one", async () => {
      for (let index = 0; index < sharedStorageLimits.sharedDisksPageLength + 5; index += 1)
        make(`i${String(index).padStart(6, "0")}`);
      const first = await handlers().sharedDisks({ storageId: "s1" }, world.context());
      expect(first.disks).to.have.length(sharedStorageLimits.sharedDisksPageLength);
      expect(first.nextMarker).to.equal("i000999");
      const { nextMarker: marker = "" } = first;
      const second = await handlers().sharedDisks({ storageId: "s1", marker }, world.context());
      expect([second.disks.length, second.nextMarker]).to.deep.equal([5, undefined]);
    });

    it("are removed, but for those of its own machines", async () => {
      await world.ensure("own");
      make("left");
      make("own");
      const disks = ["left", "own"].map((instanceId) => ({ instanceId, ownerEpoch: 1 }));
      const { removed } = await handlers().removeSharedDisks({ storageId: "s1", disks }, world.context());
      expect(removed.map(({ instanceId }) => instanceId)).to.deep.equal(["left"]);
      expect(storage.list().map(({ instanceId }) => instanceId)).to.deep.equal(["own"]);
    });

    it("of a storage that it does not see are neither listed nor removed", async () => {
      const unseen = [
        () => handlers().sharedDisks({ storageId: "s2" }, world.context()),
        () => handlers().removeSharedDisks({ storageId: "s2", disks: [] }, world.context()),
      ];
      for (const ask of unseen) {
        const error = await ask().catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(StatusError).with.property("reason", "diskMissing");
      }
    });
  });
});
