/** Volumes of fake guests that give nothing back, or that a full disk has paused: in simulated time. */
import { expect } from "chai";
import type { GuestEvent, GuestVolume } from "../../../actors/ports/hypervisor.ts";
import { fillDisk } from "../../../nodes/drivers/fake/guest-volumes.ts";
import { FakeHypervisor } from "../../../nodes/drivers/fake/hypervisor.ts";
import { FakeVolumes } from "../../../nodes/drivers/fake/volumes.ts";
import { FakeWorld } from "../../../nodes/drivers/fake/world.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { StatusError } from "../../../protocol/wire/status.ts";
import { machineSpec } from "../../support/driver-world.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const never = new AbortController().signal;

describe("volumes of fake guests", () => {
  let clock: SimulatedClock;
  let world: FakeWorld;
  let hypervisor: FakeHypervisor;
  const volume: GuestVolume = {
    ...{ volumeId: "v1", epoch: 1, place: 2 },
    device: { kind: "file", path: "/nowhere", format: "raw", mode: "readWrite" },
  };
  let spec = machineSpec();
  beforeEach(async () => {
    clock = new SimulatedClock();
    world = new FakeWorld({ clock });
    hypervisor = new FakeHypervisor(world);
    const { versions, machineType, cpuModel } = world.shapes.offered;
    spec = machineSpec({ shape: { version: versions.at(-1) ?? 1, machineType, cpuModel } });
    const paths = { directory: "/nowhere", disk: undefined, kernel: undefined, ramdisk: undefined };
    await hypervisor.start(spec, { ...paths, volumes: [volume] }, never);
  });

  const states = async () => (await hypervisor.volumesOf(spec.instanceId, never)).map(({ state }) => state);
  const detach = async (waitedMs = 0): Promise<number> => {
    const beganMs = clock.monotonicMs();
    let endedMs: number | undefined;
    void hypervisor.detachVolume(spec, volume, { waitedMs }, never).then(() => {
      endedMs = clock.monotonicMs();
    });
    await clock.runUntil(() => endedMs !== undefined);
    return (endedMs ?? Number.NaN) - beganMs;
  };

  it("are taken after their time from a guest that clings, which can be ended and paused meanwhile", async () => {
    Object.assign(world.processOf(spec.instanceId) ?? {}, { clings: true });
    const detached = detach();
    await hypervisor.pause(spec.instanceId, never);
    await hypervisor.resume(spec.instanceId, never);
    expect(await detached).to.be.within(30_000, 31_000);
    expect(await states()).to.deep.equal(["dead"]);
    Object.assign(world.processOf(spec.instanceId) ?? {}, { clings: false });
    expect([await detach(), await states()]).to.deep.equal([0, []]);
  });

  it("are taken sooner where an earlier life has waited, and at once from a guest that has ended", async () => {
    world.guestDoes(spec.instanceId, "panicked");
    expect([await detach(), await states()]).to.deep.equal([0, ["dead"]]);
  });

  it("are refused as QEMU's driver refuses them: without a shape, in one place, with one serial number", async () => {
    const paths = { directory: "/nowhere", disk: undefined, kernel: undefined, ramdisk: undefined };
    const reasonOf = (given: MachineSpec, ...volumes: readonly GuestVolume[]) =>
      hypervisor.start(given, { ...paths, volumes }, never).then(
        () => "started",
        (error: StatusError) => error.reason,
      );
    const { shape: _, ...plain } = spec;
    const [long, alike] = ["-1", "-2"].map((end) => ({ ...volume, volumeId: `${"v".repeat(20)}${end}` }));
    if (long === undefined || alike === undefined) throw new Error("They were made.");
    expect(await reasonOf(plain, volume)).to.equal("hypervisorRefused");
    expect(await reasonOf(spec, volume, { ...volume, volumeId: "v2" })).to.equal("hypervisorRefused");
    expect(await reasonOf(spec, long, { ...alike, place: 3 })).to.equal("hypervisorRefused");
    expect(await reasonOf(spec, volume, { ...volume, volumeId: "v2", place: 3 })).to.equal("started");
  });

  it("are never told to be smaller than they are", async () => {
    const storage = new FakeVolumes(world.volumes, world);
    await storage.create("v1", { epoch: 1, sizeBytes: 9 }, never);
    await hypervisor.resizeVolume(spec, volume, 9, never);
    const smaller = hypervisor.resizeVolume(spec, volume, 8, never);
    expect(await smaller.catch((error: StatusError) => error.reason)).to.equal("hypervisorRefused");
  });

  it("let a guest go on that a full disk has paused, at most once in 10 s", async () => {
    const heard: GuestEvent[] = [];
    hypervisor.onEvent((event) => heard.push(event));
    const { instanceId } = spec;
    expect(await hypervisor.continueFull(instanceId, never), "it is not paused").to.equal(false);
    fillDisk(world, instanceId);
    expect(heard).to.deep.equal([{ kind: "paused", instanceId, why: "diskFull" }]);
    expect((await hypervisor.inspect(instanceId))?.pausedBy).to.equal("diskFull");
    expect(await hypervisor.continueFull(instanceId, never)).to.equal(true);
    fillDisk(world, instanceId);
    expect(await hypervisor.continueFull(instanceId, never), "a moment later").to.equal(false);
    await clock.advance(10_000);
    expect(await hypervisor.continueFull(instanceId, never)).to.equal(true);
    expect(await hypervisor.inspect(instanceId)).not.to.have.property("pausedBy");
  });
});
