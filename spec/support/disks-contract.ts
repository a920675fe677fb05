/**
 * What every implementation of the ports for disks and for machine files must do.
 */
import { basename } from "node:path";
import { expect } from "chai";
import type { Disks } from "../../actors/ports/disks.ts";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import type { GuestData } from "../../protocol/guest-data.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export interface DisksBench {
  readonly disks: Disks;
  /** Makes a spec whose image files are in the image store: a disk, a kernel, both. */
  makeSpec(has: { readonly disk: boolean; readonly kernel: boolean; readonly diskGib?: number }): MachineSpec;
  /** Another host on the same storage; absent: this host's disks are its own. */
  readonly other?: Disks;
  close(): Promise<void>;
}

const never = new AbortController().signal;
const localFiles = ["ephemeral.raw", "swap.raw"] as const;

const guest: GuestData = {
  ...{ hostname: "web-1", availabilityZone: "nova", launchIndex: 0, metadata: {} },
  ...{ publicKeys: [], userData: "aGVsbG8K", configDrive: true },
};

export function disksContract(name: string, makeBench: () => Promise<DisksBench>): void {
  describe(`${name} keeps the promises of the port for disks`, () => {
    let bench: DisksBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(() => bench.close());

    it("makes a disk for an image that has one, and lists it", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: false });
      const paths = await bench.disks.ensure(spec, never);
      expect(paths.disk).to.be.a("string");
      expect(paths.kernel).to.equal(undefined);
      const listed = await bench.disks.list();
      expect(listed.map(({ instanceId }) => instanceId)).to.deep.equal([spec.instanceId]);
      expect(listed[0]?.files).to.include(basename(paths.disk ?? ""));
    });

    it("makes none for a kernel alone, unless a size is asked for", async () => {
      const without = await bench.disks.ensure(bench.makeSpec({ disk: false, kernel: true }), never);
      expect(without.disk).to.equal(undefined);
      expect(without.kernel).to.be.a("string");
      const spec = bench.makeSpec({ disk: false, kernel: true, diskGib: 1 });
      expect((await bench.disks.ensure(spec, never)).disk).to.be.a("string");
    });

    it("answers the same when it is asked again", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: true });
      const first = await bench.disks.ensure(spec, never);
      expect(await bench.disks.ensure(spec, never)).to.deep.equal(first);
      expect(await bench.disks.list()).to.have.length(1);
    });

    it("releases everything of a guest, also twice, and nothing of another", async () => {
      const [one, other] = [true, false].map((disk) => bench.makeSpec({ disk, kernel: true }));
      if (one === undefined || other === undefined) throw new Error("The bench makes no specs.");
      await bench.disks.ensure(one, never);
      await bench.disks.ensure(other, never);
      await bench.disks.release(one.instanceId);
      await bench.disks.release(one.instanceId);
      const left = await bench.disks.list();
      expect(left.map(({ instanceId }) => instanceId)).to.deep.equal([other.instanceId]);
    });

    it("releases a guest's epoch by its number as well", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: false });
      await bench.disks.ensure(spec, never);
      await bench.disks.release(spec.instanceId, spec.ownerEpoch);
      await bench.disks.release(spec.instanceId, spec.ownerEpoch);
      expect(await bench.disks.list()).to.deep.equal([]);
    });

    it("makes the config drive of whoever is to have one, anew each time, and says so", async () => {
      const plain = bench.makeSpec({ disk: true, kernel: false });
      expect((await bench.disks.ensure(plain, never)).configDrive).to.equal(undefined);
      if (bench.disks.configDrives !== true) return;
      const spec = { ...bench.makeSpec({ disk: true, kernel: false }), guest };
      const { configDrive } = await bench.disks.ensure(spec, never);
      expect(configDrive).to.be.a("string");
      const changed = { ...spec, guest: { ...guest, hostname: "other" } };
      expect((await bench.disks.ensure(changed, never)).configDrive).to.equal(configDrive);
      const files = async () =>
        (await bench.disks.list()).find(({ instanceId }) => instanceId === spec.instanceId)?.files;
      expect(await files()).to.include(basename(configDrive ?? ""));
      await bench.disks.release(spec.instanceId);
      expect(await files()).to.equal(undefined);
    });

    it("makes an ephemeral disk and a swap disk beside the root disk, or alone, and keeps them", async () => {
      const plain = bench.makeSpec({ disk: true, kernel: false });
      const none = await bench.disks.ensure(plain, never);
      expect([none.ephemeral, none.swap]).to.deep.equal([undefined, undefined]);
      if (bench.disks.localDisks !== true) return;
      for (const disk of [true, false]) {
        const spec = { ...bench.makeSpec({ disk, kernel: true }), ephemeralGib: 1, swapMib: 64 };
        const paths = await bench.disks.ensure(spec, never);
        expect([paths.ephemeral, paths.swap].map((path) => basename(path ?? ""))).to.deep.equal(localFiles);
        expect(paths.disk !== undefined, "a root disk").to.equal(disk);
        expect(await bench.disks.ensure(spec, never)).to.deep.equal(paths);
        const files = async () =>
          (await bench.disks.list()).find(({ instanceId }) => instanceId === spec.instanceId)?.files;
        expect(await files()).to.include.members([...localFiles]);
        await bench.disks.release(spec.instanceId);
        expect(await files()).to.equal(undefined);
      }
    });

    it("ends early when it is called off", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: false });
      const failed = await bench.disks.ensure(spec, AbortSignal.abort()).catch((error: unknown) => error);
      expect(failed).to.have.property("name", "AbortError");
    });
  });
}

export interface MachineFilesBench {
  readonly machineFiles: MachineFiles;
  close(): Promise<void>;
}

export function machineFilesContract(name: string, makeBench: () => Promise<MachineFilesBench>): void {
  describe(`${name} keeps the promises of the port for machine files`, () => {
    it("remembers a machine's file until it is removed, also twice", async () => {
      const { machineFiles, close } = await makeBench();
      const instanceId = "i-4711";
      await machineFiles.write(instanceId, { generation: 1 });
      await machineFiles.write(instanceId, { generation: 2 });
      expect(await machineFiles.readAll()).to.deep.equal([{ instanceId, content: { generation: 2 } }]);
      await machineFiles.remove(instanceId);
      await machineFiles.remove(instanceId);
      expect(await machineFiles.readAll()).to.deep.equal([]);
      await close();
    });
  });
}

/** The contract of disks on shared storage, beyond that of every implementation. */
export function sharedDisksContract(
  name: string,
  makeBench: () => Promise<DisksBench & { readonly other: Disks }>,
): void {
  describe(`${name} keeps the promises about disks that hosts share`, () => {
    let bench: Awaited<ReturnType<typeof makeBench>>;
    let first: MachineSpec;
    let second: MachineSpec;
    beforeEach(async () => {
      bench = await makeBench();
      first = { ...bench.makeSpec({ disk: true, kernel: false }), ownerEpoch: 1, fence: true };
      second = { ...first, ownerEpoch: 3, takesOverDisk: true };
    });
    afterEach(() => bench.close());

    const filesOf = async (disks: Disks) => (await disks.list()).flatMap(({ files }) => files);
    const reasonOf = (promise: Promise<unknown>) =>
      promise.then(
        () => "none",
        (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
      );

    it("takes over the disk of the highest lower epoch, under a name of its own", async () => {
      const before = await bench.disks.ensure(first, never);
      const middle = await bench.other.ensure({ ...second, ownerEpoch: 2 }, never);
      const after = await bench.other.ensure(second, never);
      const paths = [before, middle, after].map(({ disk }) => disk);
      expect(paths.map((path) => /\.e([0-9]+)\/disk\.qcow2$/.exec(path ?? "")?.[1])).to.deep.equal([
        ..."123",
      ]);
      expect(await filesOf(bench.disks)).not.to.include("disk.qcow2");
      expect(await filesOf(bench.other)).to.include("disk.qcow2");
    });

    it("takes over what lies beside the disk, and what lies there alone", async () => {
      if (bench.disks.localDisks !== true) return;
      for (const disk of [true, false]) {
        const local = { ephemeralGib: 1, swapMib: 64, ownerEpoch: 1, fence: true };
        const spec = { ...bench.makeSpec({ disk, kernel: true }), ...local };
        await bench.disks.ensure(spec, never);
        expect(
          await reasonOf(bench.other.ensure({ ...spec, ownerEpoch: 2, takesOverDisk: true }, never)),
        ).to.equal("none");
        expect(await filesOf(bench.other)).to.include.members([...localFiles]);
        expect(await filesOf(bench.disks)).not.to.include(localFiles[0]);
        expect(await reasonOf(bench.disks.ensure(spec, never))).to.equal("staleEpoch");
        await bench.other.release(spec.instanceId);
      }
    });

    it("answers the same when the take-over is asked for again", async () => {
      await bench.disks.ensure(first, never);
      const after = await bench.other.ensure(second, never);
      expect(await bench.other.ensure(second, never)).to.deep.equal(after);
    });

    it("makes no blank disk where there is none to take over", async () => {
      expect(await reasonOf(bench.other.ensure(second, never))).to.equal("diskMissing");
      expect(await filesOf(bench.other)).not.to.include("disk.qcow2");
      await bench.disks.ensure(first, never);
      expect(await reasonOf(bench.other.ensure(second, never))).to.equal("none");
    });

    it("refuses the old owner what was taken over", async () => {
      await bench.disks.ensure(first, never);
      await bench.other.ensure(second, never);
      expect(await reasonOf(bench.disks.ensure(first, never))).to.equal("staleEpoch");
      const late = { ...second, ownerEpoch: 2 };
      expect(await reasonOf(bench.disks.ensure(late, never))).to.equal("staleEpoch");
    });

    it("releases only the epoch that is named, or that it has", async () => {
      await bench.disks.ensure(first, never);
      await bench.other.ensure(second, never);
      await bench.disks.release(first.instanceId, first.ownerEpoch);
      expect(await bench.disks.list()).to.deep.equal([]);
      expect(await filesOf(bench.other)).to.include("disk.qcow2");
      await bench.other.release(first.instanceId, 1);
      expect(await filesOf(bench.other)).to.include("disk.qcow2");
      await bench.other.release(first.instanceId);
      expect(await bench.other.list()).to.deep.equal([]);
      expect(await reasonOf(bench.disks.ensure({ ...second, ownerEpoch: 4 }, never))).to.equal("diskMissing");
    });

    it("lets one host of two have a disk that both want to take over", async () => {
      await bench.disks.ensure(first, never);
      const wanted = [3, 4, 5, 6].map((ownerEpoch) => {
        const disks = ownerEpoch % 2 === 0 ? bench.disks : bench.other;
        return reasonOf(disks.ensure({ ...second, ownerEpoch }, never));
      });
      const reasons = await Promise.all(wanted);
      expect(reasons.at(-1)).to.equal("none");
      for (const reason of reasons) expect(["none", "staleEpoch"]).to.include(reason);
      expect(await reasonOf(bench.other.ensure({ ...second, ownerEpoch: 5 }, never))).to.equal("staleEpoch");
    });

    it("clears away what lower epochs have left, when a later one has its disk", async () => {
      await bench.disks.ensure(first, never);
      await bench.other.ensure({ ...first, ownerEpoch: 2 }, never);
      expect(await bench.disks.listShared()).to.deep.equal([{ instanceId: first.instanceId, ownerEpoch: 2 }]);
      await bench.disks.ensure(second, never);
      expect(await bench.other.listShared()).to.deep.equal([{ instanceId: first.instanceId, ownerEpoch: 3 }]);
    });

    it("lists the disks of every host, and removes there what it is told and nothing else", async () => {
      const another = { ...bench.makeSpec({ disk: true, kernel: false }), ownerEpoch: 4, fence: true };
      await bench.disks.ensure(first, never);
      await bench.other.ensure(another, never);
      const [one, other] = [first, another].map(({ instanceId, ownerEpoch }) => ({ instanceId, ownerEpoch }));
      const shared = () => bench.disks.listShared();
      expect(await shared()).to.have.deep.members([one, other]);
      await bench.disks.releaseShared(another.instanceId, 3);
      expect(await shared()).to.have.deep.members([one, other]);
      await bench.disks.releaseShared(another.instanceId, 4);
      await bench.disks.releaseShared(another.instanceId, 4);
      expect(await shared()).to.deep.equal([one]);
      expect(await filesOf(bench.disks)).to.include("disk.qcow2");
      expect(await bench.other.list()).to.have.length(1);
    });
  });
}
