/** What a host answers about volumes that no guest has. */
import { expect } from "chai";
import { volumeHandlers } from "../../../../actors/node/host/volumes.ts";
import { goneOf } from "../../../../actors/node/machine/ensure.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { ensure } from "../machine/worlds.ts";

const signal = new AbortController().signal;
const context: CallContext = {
  ...{ project: "admin", id: "", requestId: "r1", deadlineMs: 0, traceparent: undefined, signal },
  onlyWaits: () => undefined,
};

describe("a host's answers about volumes", () => {
  const pool = new FakeVolumePool("nas");
  const storages = () => new VolumeStorages([new FakeVolumes(), new FakeVolumes(pool)]);
  const of = (volumeId: string, epoch = 1) => ({ volumeId, epoch });
  let nowMs = 0;
  const handlers = (...machines: readonly Observation[]) =>
    volumeHandlers(storages(), { all: () => machines }, { monotonicMs: () => nowMs });
  beforeEach(async () => {
    pool.volumes.clear();
    for (const id of ["v1", "v2"]) await new FakeVolumes(pool).create(id, { epoch: 1, sizeBytes: 1 }, signal);
  });

  it("remove them, also when they are gone, on the storage that is named and on no other", async () => {
    const volumes = [of("v1"), of("v3")];
    expect(await handlers().removeVolumes({ storageId: null, volumes }, context)).to.deep.equal({
      removed: volumes,
    });
    expect([...pool.volumes.keys()]).to.deep.equal(["v1", "v2"]);
    await handlers().removeVolumes({ storageId: "nas", volumes }, context);
    expect([...pool.volumes.keys()]).to.deep.equal(["v2"]);
  });

  it("tell what they have removed before nobody waits for it any more", async () => {
    const slow = new FakeVolumes(pool);
    const remove = slow.remove.bind(slow);
    slow.remove = async (...asked) => {
      nowMs += 1_500;
      return remove(...asked);
    };
    const ledger = { all: () => [] };
    const answers = volumeHandlers(new VolumeStorages([new FakeVolumes(), slow]), ledger, {
      monotonicMs: () => nowMs,
    });
    const volumes = [of("v1"), of("v2"), of("v3")];
    expect(await answers.removeVolumes({ storageId: "nas", volumes }, context)).to.deep.equal({
      removed: [of("v1"), of("v2")],
    });
  });

  it("leave what a machine of the host may have open, until the machine has let go of it", async () => {
    const seen = (state: "attached" | "open" | "dead", epoch = 1): Observation => ({
      ...goneOf(ensure()),
      ...{ state: "running", volumes: [{ ...of("v1", epoch), state }] },
    });
    const asked = { storageId: "nas", volumes: [of("v1"), of("v2")] };
    for (const state of ["attached", "open"] as const)
      expect((await handlers(seen(state)).removeVolumes(asked, context)).removed).to.deep.equal([of("v2")]);
    expect(pool.volumes.has("v1")).to.equal(true);
    for (const one of [seen("dead"), seen("attached", 2), { ...seen("open"), state: "gone" } as const])
      expect((await handlers(one).removeVolumes(asked, context)).removed).to.have.length(2);
  });

  it("extend them", async () => {
    await handlers().extendVolume({ storageId: "nas", ...of("v1"), sizeBytes: 7 }, context);
    expect(pool.volumes.get("v1")?.sizeBytes).to.equal(7);
  });

  it("refuse a storage that the host does not see, and say when it may be one that is silent", async () => {
    const reasonOf = (all: VolumeStorages) =>
      all.find("other").then(
        () => "found",
        (error: StatusError) => error.reason,
      );
    expect(await reasonOf(storages())).to.equal("diskMissing");
    expect(await reasonOf(new VolumeStorages())).to.equal("diskMissing");
    const silent = new FakeVolumes(new FakeVolumePool("other"));
    const { facts } = silent;
    silent.facts = async () => Promise.reject(new StatusError("storageUnknown", "Silent."));
    const all = new VolumeStorages([new FakeVolumes(), silent]);
    expect(await reasonOf(all)).to.equal("storageUnknown");
    expect((await all.find(null)).kind, "the host's own needs no other").to.equal("volume");
    silent.facts = facts;
    expect(await reasonOf(all), "it answers by now").to.equal("found");
  });
});
