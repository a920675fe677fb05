/** Volumes that are noted as open for guests that are gone from a host. */
import { expect } from "chai";
import { closeForgotten } from "../../../../actors/node/host/volume-notes.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import type { Hypervisor } from "../../../../actors/ports/hypervisor.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";

type Guest = Awaited<ReturnType<Hypervisor["inspect"]>>;
const signal = new AbortController().signal;

class SometimesSilent extends FakeVolumes {
  silent = false;
  looks = 0;
  override async list() {
    this.looks += 1;
    if (this.silent) throw new StatusError("storageUnknown", "It does not answer.");
    return super.list();
  }
}

describe("a host's notes on storages of volumes", () => {
  let storage: SometimesSilent;
  let storages: VolumeStorages;
  beforeEach(async () => {
    storage = new SometimesSilent(new FakeVolumePool("nas"));
    storages = new VolumeStorages([storage]);
    for (const instanceId of ["living", "stopped", "known", "buried", "gone"]) {
      await storage.create(`of-${instanceId}`, { epoch: 1, sizeBytes: 1 }, signal);
      const use = { instanceId, ownerEpoch: 1, epoch: 1, takesOver: true, mode: "readWrite" } as const;
      await storage.open(`of-${instanceId}`, use, signal);
    }
  });

  const buried = { instanceId: "buried", ownerEpoch: 1, generation: 2, atMs: 1 };
  const look = () =>
    closeForgotten(
      {
        storages,
        hypervisor: { inspect: async (id) => (id === "living" ? ({} as Guest) : undefined) },
        files: {
          readAll: async () => [
            { instanceId: "stopped", content: "unreadable" },
            { instanceId: "buried", content: { version: 1, tombstone: buried } },
          ],
        },
        machines: { find: (id) => (id === "known" ? {} : undefined) },
        log: silentLog,
      },
      signal,
    );
  /** What a machine without a process does as its last. */
  const stop = async () => {
    for (const holding of await storage.list())
      if (["known", "stopped"].includes(holding.instanceId)) await storage.release(holding, signal);
  };
  const open = async () => (await storage.list()).map(({ instanceId }) => instanceId).sort();

  it("go with guests that have neither a process, nor a machine, nor a file of one", async () => {
    await look();
    expect(await open()).to.deep.equal(["known", "living", "stopped"]);
  });

  it("are looked for again while a machine without a process has one: it may be going", async () => {
    await look();
    expect([...storages.doubted]).to.deep.equal([storage]);
    await stop();
    await look();
    expect(storages.doubted.size).to.equal(0);
  });

  it("are looked for again only on a storage that was silent, or was not told of a closing", async () => {
    await stop();
    storage.silent = true;
    await look();
    storage.silent = false;
    expect(await open()).to.have.length(3);
    await look();
    expect(await open()).to.have.length(1);
    const { looks } = storage;
    await look();
    expect(storage.looks).to.equal(looks);
    storages.doubted.add(storage);
    await look();
    expect(storage.looks).to.be.greaterThan(looks);
  });
});
