/** Copies of volumes that a host is asked for: made behind its answers, whole or not at all, told once. */
import { expect } from "chai";
import { VolumeCopies } from "../../../../actors/node/host/volume-copies.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { refused, until } from "../../../support/asking.ts";

const signal = new AbortController().signal;
const context: CallContext = {
  ...{ project: "admin", id: "", requestId: "r1", deadlineMs: 0, traceparent: undefined, signal },
  onlyWaits: () => undefined,
};
const [source, copy] = [
  { volumeId: "v", epoch: 3 },
  { volumeId: "w", epoch: 1 },
];
const asked = { storageId: "nas", source, copy, sizeBytes: 7 };

describe("a host's copies of volumes", () => {
  let pool: FakeVolumePool;
  let storage: FakeVolumes;
  let copies: VolumeCopies;
  const ask = async (more: object = {}) =>
    copies.handlers.copyVolume({ ...asked, ...more }, context) as Promise<{ made: boolean }>;
  const nextLife = () => new VolumeCopies(new VolumeStorages([new FakeVolumes(), storage]));
  const untilMade = () => until(ask, ({ made }) => made);
  beforeEach(async () => {
    pool = new FakeVolumePool("nas");
    storage = new FakeVolumes(pool);
    copies = nextLife();
    await storage.create("v", { epoch: 2, sizeBytes: 5 }, signal);
  });

  it("are made once, of a source that nobody of before can open, and are found again by the next life", async () => {
    expect(await ask()).to.deep.equal({ made: false });
    await untilMade();
    expect([...pool.volumes].map(([id, { epoch, sizeBytes }]) => [id, epoch, sizeBytes])).to.deep.equal([
      ["v", 3, 5],
      ["w", 1, 7],
    ]);
    expect(pool.volumes.get("v")?.uses.size, "it is closed again").to.equal(0);
    copies = nextLife();
    await untilMade();
  });

  it("fail in words while a guest has the source, or where it is lost, and begin anew when asked again", async () => {
    const use = { instanceId: "vm", ownerEpoch: 1, epoch: 3, takesOver: true, mode: "readWrite" } as const;
    await storage.open("v", use, signal);
    await ask();
    expect((await refused(until(ask, ({ made }) => made))).reason).to.equal("hypervisorRefused");
    await storage.releaseOthers({ instanceId: "vm", ownerEpoch: 1, volumes: [] }, signal);
    await untilMade();
    const lost = { source: { volumeId: "x", epoch: 1 }, copy: { volumeId: "y", epoch: 1 } };
    await ask(lost);
    expect(
      (
        await refused(
          until(
            () => ask(lost),
            ({ made }) => made,
          ),
        )
      ).reason,
    ).to.equal("diskMissing");
    expect(pool.volumes.has("y")).to.equal(false);
  });

  it("are begun by no agent that is ending", async () => {
    copies.stop();
    expect((await refused(ask())).reason).to.equal("hostStopping");
  });
});
