/** Copies of volumes on a fake storage: made in pieces, named last, and begun anew after a crash. */
import { expect } from "chai";
import { FakeVolumePool, FakeVolumes } from "../../../nodes/drivers/fake/volumes.ts";

const never = new AbortController().signal;
const wanted = { epoch: 1, sizeBytes: 1 };
const copied = { ...wanted, source: { kind: "volume", volumeId: "source", epoch: 1 } } as const;

describe("copies of volumes on a fake storage", () => {
  let pool: FakeVolumePool;
  let host: object;
  let volumes: FakeVolumes;
  /** Lets the next piece pass. */
  let pass: () => void;
  const writesOf = (volumeId: string) => pool.fileOf({ volumeId, epoch: 1 })?.writes;
  const slow = () => {
    const life = new FakeVolumes(pool, host);
    life.slowDown(() => {
      const { promise, resolve } = Promise.withResolvers<void>();
      pass = resolve;
      return promise;
    });
    return life;
  };
  const settled = () => new Promise(setImmediate);
  const passAll = async () => {
    for (let piece = 0; piece < 3; piece += 1) {
      await settled();
      pass();
    }
  };
  const write = (writes: number) => {
    Object.assign(pool.fileOf({ volumeId: "source", epoch: 1 }) ?? {}, { writes });
  };

  beforeEach(async () => {
    pool = new FakeVolumePool("s");
    host = {};
    volumes = slow();
    await volumes.create("source", wanted, never);
    write(7);
  });

  it("have what their source has, and no name before", async () => {
    const copying = volumes.create("copy", copied, never);
    await settled();
    expect(writesOf("copy")).to.equal(undefined);
    expect((await volumes.volumes()).map(({ whole }) => whole)).to.deep.equal([true, false]);
    await passAll();
    await copying;
    expect([writesOf("copy"), pool.parts.all]).to.deep.equal([7, []]);
  });

  it("tell when what they were made of was written meanwhile", async () => {
    const copying = volumes.create("copy", copied, never);
    await settled();
    pass();
    await settled();
    write(8);
    await passAll();
    await copying;
    expect(writesOf("copy")).to.be.lessThan(0);
  });

  it("are begun anew by the next life of the agent, and take room until then", async () => {
    void volumes.create("copy", copied, never);
    await settled();
    expect([pool.parts.all.length, pool.usedBytes()]).to.deep.equal([1, 2]);
    const copying = slow().create("copy", copied, never);
    await passAll();
    await copying;
    expect([writesOf("copy"), pool.parts.all, pool.usedBytes()]).to.deep.equal([7, [], 2]);
  });

  it("come to nothing when their volume is removed meanwhile, by whichever host", async () => {
    const copying = volumes.create("copy", copied, never).catch((error: Error) => error.message);
    await settled();
    await new FakeVolumes(pool, {}).remove("copy", 1, never);
    await passAll();
    expect(await copying).to.contain("not on the storage");
    expect([writesOf("copy"), pool.parts.all]).to.deep.equal([undefined, []]);
  });

  it("keep who removes them on the same host waiting", async () => {
    const copying = volumes.create("copy", copied, never);
    await settled();
    const removing = volumes.remove("copy", 1, never);
    await passAll();
    await copying;
    await removing;
    expect(writesOf("copy")).to.equal(undefined);
  });
});
