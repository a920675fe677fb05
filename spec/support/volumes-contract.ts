/**
 * The contract of every storage of volumes: a volume has one epoch, its path is that epoch's, and nothing is
 * left half-made. The bench does what happens from outside.
 */
import { expect } from "chai";
import type { BlockDevice, VolumeSource, VolumeStorage, VolumeUse } from "../../actors/ports/volumes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { keeperContract } from "./keeper-contract.ts";

export interface VolumesBench {
  readonly volumes: VolumeStorage;
  /** The driver of the agent's next life, on the same host. */
  restartAgent(): Promise<VolumeStorage>;
  /** Another host on the same storage; absent: no other host sees it. */
  readonly other?: VolumeStorage;
  /** A size that the storage has no room for. */
  readonly tooLargeBytes: number;
  /** A raw image with these bytes, on the storage's host. Absent: no volume is made of images. */
  image?(bytes: Buffer): Promise<VolumeSource>;
  /** What an open volume has in it. Absent: its bytes cannot be seen, as those of a fake. */
  read?(device: BlockDevice): Promise<Buffer>;
  /** Writes at the beginning of an open volume, as its guest does. There whenever `read` is. */
  write?(device: BlockDevice, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface VolumesContract {
  readonly name: string;
  makeBench(): Promise<VolumesBench>;
  /** Time-out of each test. */
  readonly timeoutMs: number;
}

const never = new AbortController().signal;
const mib = 1024 ** 2;
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
  );

const useOf = (given: Partial<VolumeUse> = {}): VolumeUse => ({
  ...{ instanceId: "instance-1", ownerEpoch: 1, epoch: 1, takesOver: false, mode: "readWrite" },
  ...given,
});

export function volumesContract({ name, makeBench, timeoutMs }: VolumesContract): void {
  keeperContract({
    name,
    timeoutMs,
    makeBench: async () => {
      const bench = await makeBench();
      let made = 0;
      return {
        keeper: bench.volumes,
        keep: async (ownerEpoch) => {
          made += 1;
          const instanceId = `instance-${made}`;
          await bench.volumes.create(`volume-${made}`, { epoch: 1, sizeBytes: mib }, never);
          await bench.volumes.open(`volume-${made}`, useOf({ instanceId, ownerEpoch }), never);
          return { instanceId };
        },
        restartAgent: () => bench.restartAgent(),
        close: () => bench.close(),
      };
    },
  });

  describe(`${name} keeps the promises of the port for volumes`, function () {
    this.timeout(timeoutMs);
    let bench: VolumesBench;
    let storage: VolumeStorage;
    beforeEach(async () => {
      bench = await makeBench();
      storage = bench.volumes;
    });
    afterEach(() => bench.close());

    const create = (epoch = 1, sizeBytes = mib) => storage.create("v1", { epoch, sizeBytes }, never);
    const open = (given: Partial<VolumeUse> = {}) => storage.open("v1", useOf(given), never);

    it("says what it is", async () => {
      const facts = await storage.facts();
      expect(facts.kind).to.match(/^[a-z][a-z0-9-]*$/);
      expect(facts.storageId === null || facts.storageId.length > 0).to.equal(true);
      for (const one of ["multiattach", "thin", "extendsOnline"] as const)
        expect(facts[one]).to.be.a("boolean");
    });

    it("makes one volume however often it is asked, also by the next life of the agent", async () => {
      await create();
      await create();
      await (await bench.restartAgent()).create("v1", { epoch: 1, sizeBytes: mib }, never);
      const [volume, ...others] = await storage.volumes();
      expect(others).to.deep.equal([]);
      expect(volume).to.include({ volumeId: "v1", epoch: 1, sizeBytes: mib, whole: true });
      expect(await storage.list()).to.deep.equal([]);
    });

    it("opens a volume as a file, a device or a socket, with its format told, and the same when asked again", async () => {
      await create();
      const device = await open();
      expect(["file", "device", "nbd"]).to.include(device.kind);
      expect(["raw", "qcow2"]).to.include(device.format);
      expect(device.path).to.match(/^\//);
      expect(device.mode).to.equal("readWrite");
      expect(await open()).to.deep.equal(device);
      expect((await open({ mode: "readOnly" })).mode).to.equal("readOnly");
    });

    it("opens a volume for one guest at a time, unless it says that it can for more", async () => {
      await create();
      await open();
      const { multiattach } = await storage.facts();
      const second = await reasonOf(open({ instanceId: "instance-2" }));
      expect(second).to.equal(multiattach ? "no error" : "hypervisorRefused");
      for (const holding of await storage.list()) await storage.release(holding, never);
      expect(await reasonOf(open({ instanceId: "instance-2" }))).to.equal("no error");
    });

    it("gives a volume to a newer epoch under another path, and refuses the older one from then on", async () => {
      await create();
      const before = await open();
      expect(await reasonOf(open({ epoch: 2 }))).to.equal("diskMissing");
      const after = await open({ epoch: 2, takesOver: true, ownerEpoch: 2 });
      expect(after.path).not.to.equal(before.path);
      expect(await reasonOf(open())).to.equal("staleEpoch");
      expect(await reasonOf(create())).to.equal("staleEpoch");
      expect(await reasonOf(storage.extend("v1", { epoch: 1, sizeBytes: 9 * mib }, never))).to.equal(
        "staleEpoch",
      );
      expect((await storage.volumes()).map(({ epoch, sizeBytes }) => [epoch, sizeBytes])).to.deep.equal([
        [2, mib],
      ]);
      expect((await storage.list()).map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([2]);
    });

    it("never makes a volume anew over that of an earlier epoch", async () => {
      await create();
      expect(await reasonOf(create(2))).to.equal("hypervisorRefused");
      expect((await storage.volumes()).map(({ epoch }) => epoch)).to.deep.equal([1]);
    });

    it("opens and extends nothing that is not there", async () => {
      expect(await reasonOf(open())).to.equal("diskMissing");
      expect(await reasonOf(open({ takesOver: true }))).to.equal("diskMissing");
      expect(await reasonOf(storage.extend("v1", { epoch: 1, sizeBytes: mib }, never))).to.equal(
        "diskMissing",
      );
      expect(await storage.volumes()).to.deep.equal([]);
    });

    it("closes for a guest what is open, but these, and what another guest or a later life has", async () => {
      const open = async (volumeId: string, given: Partial<VolumeUse> = {}) => {
        await storage.create(volumeId, { epoch: 1, sizeBytes: mib }, never);
        await storage.open(volumeId, useOf(given), never);
      };
      await open("v1");
      await open("v2");
      await open("v3", { ownerEpoch: 2 });
      await open("v4", { instanceId: "instance-2" });
      const left = async () => (await storage.list()).map(({ what }) => /v[0-9]/.exec(what)?.[0]).sort();
      const of = { instanceId: "instance-1", ownerEpoch: 1, volumes: [{ volumeId: "v2", epoch: 1 }] };
      for (const _ of ["once", "twice"]) await storage.releaseOthers(of, never);
      expect(await left()).to.deep.equal(["v2", "v3", "v4"]);
      await storage.releaseOthers({ ...of, volumes: [{ volumeId: "v2", epoch: 2 }] }, never);
      expect(await left(), "another epoch is another volume").to.deep.equal(["v3", "v4"]);
    });

    it("extends a volume, also twice, never shrinks one, and says how large it is", async () => {
      await create();
      const sizes: number[] = [];
      for (const sizeBytes of [3 * mib, 3 * mib, 2 * mib])
        sizes.push(await storage.extend("v1", { epoch: 1, sizeBytes }, never));
      expect(sizes).to.deep.equal([3 * mib, 3 * mib, 3 * mib]);
      expect((await storage.volumes()).map(({ sizeBytes }) => sizeBytes)).to.deep.equal([3 * mib]);
    });

    it("says when there is no room, and leaves nothing half-made", async () => {
      expect(await reasonOf(create(1, bench.tooLargeBytes))).to.equal("diskFull");
      expect(await storage.volumes()).to.deep.equal([]);
      await create();
      const more = storage.extend("v1", { epoch: 1, sizeBytes: bench.tooLargeBytes }, never);
      expect(await reasonOf(more)).to.equal("diskFull");
      expect((await storage.volumes()).map(({ sizeBytes }) => sizeBytes)).to.deep.equal([mib]);
    });

    it("makes volumes of what it says that it can, whole or not at all, and of nothing else", async () => {
      const { sources = [] } = await storage.facts();
      const bytes = Buffer.alloc(mib, "novact");
      const image = await bench.image?.(bytes);
      expect(image !== undefined).to.equal(sources.includes("image"));
      await create();
      const volume = { kind: "volume", volumeId: "v1", epoch: 1 } as const;
      const of = (volumeId: string, sizeBytes: number, source: VolumeSource) =>
        storage.create(volumeId, { epoch: 1, sizeBytes, source }, never);
      if (!sources.includes("volume"))
        expect(await reasonOf(of("v2", mib, volume))).to.equal("hypervisorRefused");
      if (!sources.includes("volume") || image === undefined) return;
      const opened = await open();
      await bench.write?.(opened, bytes);
      expect(await reasonOf(of("v2", mib, volume)), "while it is open").to.equal("hypervisorRefused");
      for (const holding of await storage.list()) await storage.release(holding, never);
      for (const [volumeId, source] of [["v2", volume] as const, ["v3", image] as const]) {
        expect(await reasonOf(of(volumeId, mib / 2, source)), "too small").to.equal("hypervisorRefused");
        expect((await storage.volumes()).map((one) => one.volumeId)).not.to.include(volumeId);
        for (const _ of ["once", "twice"]) await of(volumeId, 2 * mib, source);
        const device = await storage.open(volumeId, useOf(), never);
        const found = await bench.read?.(device);
        if (found === undefined) continue;
        expect(found.length).to.equal(2 * mib);
        expect(found.equals(Buffer.concat([bytes, Buffer.alloc(mib)])), volumeId).to.equal(true);
      }
      expect(await reasonOf(of("v4", mib, { ...volume, volumeId: "nobody" }))).to.equal("diskMissing");
    });

    it("lists its volumes in pages, if it does: each on one page, in the order of their ids", async () => {
      if (storage.page === undefined) return;
      const ids = ["b", "e", "a", "d", "c"];
      for (const id of ids) await storage.create(id, { epoch: 1, sizeBytes: mib }, never);
      const listed: (readonly string[])[] = [];
      for (let after: string | undefined; ; ) {
        const { volumes, next } = await storage.page(after, 2);
        listed.push(volumes.map(({ volumeId }) => volumeId));
        if (next === undefined) break;
        after = next;
      }
      expect(listed).to.deep.equal([["a", "b"], ["c", "d"], ["e"]]);
      expect((await storage.page("aa", 9)).volumes.map(({ volumeId }) => volumeId)).to.deep.equal(
        [...ids].sort().slice(1),
      );
    });

    it("says how full it is, if it does", async () => {
      const before = await storage.usage?.();
      if (before === undefined) return;
      expect(before.promisedBytes).to.equal(0);
      await create(1, 3 * mib);
      const after = await storage.usage?.();
      expect(after?.promisedBytes).to.equal(3 * mib);
      expect(after?.allocatedBytes).to.be.within(0, 3 * mib + 65_536);
      expect(after?.freeBytes).to.be.within(0, after?.capacityBytes ?? 0);
    });

    it("removes a volume of this epoch or an earlier one, also twice, and no later one", async () => {
      await create(2);
      await storage.remove("v1", 1, never);
      expect(await storage.volumes()).to.have.length(1);
      for (const _ of [1, 2]) await storage.remove("v1", 2, never);
      expect([await storage.volumes(), await storage.list()]).to.deep.equal([[], []]);
    });

    it("ends early when it is called off, and makes nothing", async () => {
      const made = storage.create("v1", { epoch: 1, sizeBytes: mib }, AbortSignal.abort());
      expect(await made.catch((one: unknown) => one)).to.have.property("name", "AbortError");
      expect(await storage.volumes()).to.deep.equal([]);
    });

    it("shows other hosts of the storage the same volumes, and each host its own uses", async () => {
      const { other } = bench;
      const shared = (await storage.facts()).storageId !== null;
      expect(other !== undefined).to.equal(shared);
      if (other === undefined) return;
      await create();
      await open();
      expect(await other.volumes()).to.deep.equal(await storage.volumes());
      expect(await other.list()).to.deep.equal([]);
      await other.open("v1", useOf({ epoch: 2, takesOver: true, ownerEpoch: 2 }), never);
      expect(await reasonOf(open())).to.equal("staleEpoch");
      expect([await storage.list(), await other.list()].map(({ length }) => length)).to.deep.equal([0, 1]);
    });
  });
}
