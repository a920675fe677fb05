/**
 * What every implementation of the ports for disks and machine files must do.
 */
import { expect } from "chai";
import type { Disks, MachineFiles } from "../../actors/runtime/ports.ts";
import type { MachineSpec } from "../../protocol/machine.ts";

export interface DisksBench {
  readonly disks: Disks;
  readonly machineFiles: MachineFiles;
  /** What a spec needs of the image store is there: a disk, a kernel, both. */
  makeSpec(has: { readonly disk: boolean; readonly kernel: boolean; readonly diskGib?: number }): MachineSpec;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export function disksContract(name: string, makeBench: () => Promise<DisksBench>): void {
  describe(`${name} keeps the promises of the ports for disks and machine files`, () => {
    let bench: DisksBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(() => bench.close());

    it("makes a disk for an image that has one, and lists it", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: false });
      const paths = await bench.disks.ensure(spec, never);
      expect(paths.disk).to.match(/\/disk\.qcow2$/);
      expect(paths.kernel).to.equal(undefined);
      const listed = await bench.disks.list();
      expect(listed.map(({ instanceId }) => instanceId)).to.deep.equal([spec.instanceId]);
      expect(listed[0]?.files).to.include("disk.qcow2");
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

    it("ends early when it is called off", async () => {
      const spec = bench.makeSpec({ disk: true, kernel: false });
      const failed = await bench.disks.ensure(spec, AbortSignal.abort()).catch((error: unknown) => error);
      expect(failed).to.have.property("name", "AbortError");
    });

    it("remembers a machine's file until it is removed, also twice", async () => {
      const { machineFiles } = bench;
      const { instanceId } = bench.makeSpec({ disk: false, kernel: true });
      await machineFiles.write(instanceId, { generation: 1 });
      await machineFiles.write(instanceId, { generation: 2 });
      expect(await machineFiles.readAll()).to.deep.equal([{ instanceId, content: { generation: 2 } }]);
      await machineFiles.remove(instanceId);
      await machineFiles.remove(instanceId);
      expect(await machineFiles.readAll()).to.deep.equal([]);
    });
  });
}
