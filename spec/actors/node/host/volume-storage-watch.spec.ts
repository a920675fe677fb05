/** What a host says of the storages of its volumes: as they were heard, and for how long they are silent. */
import { expect } from "chai";
import { VolumeStorageWatch } from "../../../../actors/node/host/volume-storage-watch.ts";
import type { VolumeStorage } from "../../../../actors/ports/volumes.ts";
import { createActorSystem } from "../../../../actors/runtime/actor.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import { silentLog } from "../../../support/driver-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

const gib = 1024 ** 3;
const never = new AbortController().signal;

describe("host: the storages of its volumes", () => {
  let clock: SimulatedClock;
  let watch: VolumeStorageWatch;
  let hang: Promise<void> | undefined;

  const begin = (storages: readonly VolumeStorage[]) => {
    clock = new SimulatedClock();
    const system = createActorSystem({ clock, log: silentLog });
    watch = new VolumeStorageWatch({ system, storages, disksStorageId: "disks", log: silentLog });
  };
  /** The same storage, which does not answer while `hang` is there. */
  const hanging = (storage: FakeVolumes): VolumeStorage =>
    Object.create(storage, {
      facts: { value: () => (hang ?? Promise.resolve()).then(() => storage.facts()) },
      usage: { value: () => storage.usage() },
    });
  afterEach(async () => {
    hang = undefined;
    await watch.stop();
  });

  it("are told with their room, and those that hosts share are offered, but for that of its disks", async () => {
    const nfs = new FakeVolumes(new FakeVolumePool("nfs", 10 * gib));
    await nfs.create("v", { epoch: 1, sizeBytes: 3 * gib }, never);
    begin([new FakeVolumes(), nfs, new FakeVolumes(new FakeVolumePool("disks"))]);
    await watch.looked;
    expect(watch.offered).to.deep.equal([{ id: "nfs", kind: "fake", sizeGib: 10 }]);
    expect(watch.states.map(({ storageId }) => storageId)).to.deep.equal([null, "nfs", "disks"]);
    expect(watch.states[1]).to.deep.equal({
      ...{ storageId: "nfs", kind: "fake", fencing: "rename", extendsOnline: true },
      ...{ totalMib: 10_240, freeMib: 10_240 - 192, promisedMib: 3 * 1_024, allocatedMib: 192 },
    });
  });

  it("are offered when all have answered once, and told as silent when one does not answer any more", async () => {
    let answer: () => void = () => undefined;
    hang = new Promise((resolve) => {
      answer = resolve;
    });
    begin([new FakeVolumes(), hanging(new FakeVolumes(new FakeVolumePool("nfs", 10 * gib)))]);
    await clock.advance(2_000);
    await watch.looked;
    expect([watch.offered, watch.states.length]).to.deep.equal([undefined, 1]);
    answer();
    await clock.advance(1);
    expect(watch.offered).to.deep.equal([{ id: "nfs", kind: "fake", sizeGib: 10 }]);
    hang = new Promise(() => undefined);
    await clock.advance(60_000);
    expect(watch.offered).to.have.length(1);
    const [own, nfs] = watch.states;
    expect([own?.silentMs, nfs?.totalMib]).to.deep.equal([undefined, 10_240]);
    expect(nfs?.silentMs).to.be.greaterThan(30_000);
  });
});
