/** The volumes of a fake guest become those of its spec: by storages that lack, refuse, and do not answer. */
import { expect } from "chai";
import type { HeldVolumes, VolumeNote } from "../../../../actors/node/machine/volume-facts.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import {
  changeVolumes,
  goOn,
  openForStart,
  releaseAll,
  type VolumeWork,
} from "../../../../actors/node/machine/volumes.ts";
import { FakeDisks } from "../../../../nodes/drivers/fake/files.ts";
import { fillDisk } from "../../../../nodes/drivers/fake/guest-volumes.ts";
import { FakeHypervisor } from "../../../../nodes/drivers/fake/hypervisor.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import { FakeWorld } from "../../../../nodes/drivers/fake/world.ts";
import type { MachineVolume } from "../../../../protocol/machine.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { machineSpec, silentLog } from "../../../support/driver-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

const never = new AbortController().signal;
const gib = 1024 ** 3;
const volumeOf = (volumeId: string, changes: Partial<MachineVolume> = {}): MachineVolume => ({
  ...{ volumeId, epoch: 1, place: 0, sizeBytes: gib, storageId: null, made: false, source: null },
  ...changes,
});
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => StatusError.from(error, "Testing").reason,
  );

describe("the volumes of a guest", () => {
  let clock: SimulatedClock;
  let world: FakeWorld;
  let hypervisor: FakeHypervisor;
  let own: FakeVolumes;
  let sharedPool: FakeVolumePool;
  let shared: FakeVolumes;
  let told: HeldVolumes[];
  let spec = machineSpec();

  beforeEach(async () => {
    clock = new SimulatedClock();
    world = new FakeWorld({ clock });
    hypervisor = new FakeHypervisor(world);
    sharedPool = new FakeVolumePool("nas");
    own = new FakeVolumes(world.volumes, world);
    shared = new FakeVolumes(sharedPool, world);
    told = [];
    const { versions, machineType, cpuModel } = world.shapes.offered;
    spec = machineSpec({ shape: { version: versions.at(-1) ?? 1, machineType, cpuModel } });
    const paths = { directory: "/nowhere", disk: undefined, kernel: undefined, ramdisk: undefined };
    await hypervisor.start(spec, paths, never);
  });

  const workFor = (volumes: readonly MachineVolume[], notes: readonly VolumeNote[] = []): VolumeWork => {
    const storages = new VolumeStorages([own, shared]);
    const ports = { hypervisor, storages, disks: new FakeDisks(world), clock, log: silentLog };
    const tell = (held: HeldVolumes) => void told.push(held);
    return { ports, spec: { ...spec, volumes: [...volumes] }, notes, signal: never, tell };
  };
  const change = (...volumes: readonly MachineVolume[]) => changeVolumes(workFor(volumes));
  const has = async () =>
    (await hypervisor.volumesOf(spec.instanceId, never)).map(({ volumeId }) => volumeId);
  const notedFor = async () => [...(await own.list()), ...(await shared.list())].map(({ what }) => what);
  const silence = (storage: FakeVolumes) => {
    const silent = async () => Promise.reject(new StatusError("storageUnknown", "Silent."));
    Object.assign(storage, { facts: silent, open: silent, releaseOthers: silent });
  };

  it("are made where they are opened first, on the storage of each, and are let go of after the verb", async () => {
    await change(volumeOf("v1"), volumeOf("v2", { storageId: "nas", place: 1 }));
    expect(await has()).to.deep.equal(["v1", "v2"]);
    expect([...sharedPool.volumes.keys()]).to.deep.equal(["v2"]);
    expect(told.at(-1)?.has.map(({ sizeBytes }) => sizeBytes)).to.deep.equal([gib, gib]);
    await change(volumeOf("v2", { storageId: "nas", place: 1 }));
    expect([await has(), await notedFor()]).to.deep.equal([["v2"], ["volume v2 of epoch 1"]]);
  });

  it("are taken over when their epoch has risen", async () => {
    await change(volumeOf("v1"));
    await change(volumeOf("v1", { epoch: 2, made: true }));
    expect(await hypervisor.volumesOf(spec.instanceId, never)).to.deep.equal([
      { volumeId: "v1", epoch: 2, place: 0, state: "attached" },
    ]);
    expect(await notedFor()).to.deep.equal(["volume v1 of epoch 2"]);
  });

  it("are lost where they were made and are missing, and on a storage that the host does not see", async () => {
    expect(await reasonOf(change(volumeOf("v1", { made: true })))).to.equal("diskMissing");
    expect(await reasonOf(change(volumeOf("v1", { storageId: "other" })))).to.equal("diskMissing");
    expect([await has(), world.volumes.volumes.size]).to.deep.equal([[], 0]);
  });

  it("are made of images", async () => {
    world.volumes.imageBytes = gib;
    const disk = { sha256: "a".repeat(64), sizeBytes: 1, format: "qcow2", virtualSizeBytes: gib } as const;
    const source = { kind: "image", image: { id: "i", disk } } as const;
    expect(await reasonOf(change(volumeOf("v1", { source, sizeBytes: gib - 1 })))).to.equal(
      "hypervisorRefused",
    );
    await change(volumeOf("v1", { source }));
    expect(await has()).to.deep.equal(["v1"]);
  });

  it("come and go although another one's storage is silent, which fails with what it says", async () => {
    await change(volumeOf("v1"));
    silence(shared);
    const wanted = [volumeOf("v3", { storageId: "nas" }), volumeOf("v2", { place: 1 })];
    expect(await reasonOf(change(...wanted))).to.equal("storageUnknown");
    expect(await has()).to.deep.equal(["v2"]);
    expect(await reasonOf(change(volumeOf("v2", { place: 1 }))), "it has nothing there").to.equal("done");
  });

  it("that could not come are still said to come, so that their storage forgets them when they are to go", async () => {
    own.extend = async () => Promise.reject(new StatusError("hypervisorRefused", "No."));
    expect(await reasonOf(change(volumeOf("v1")))).to.equal("hypervisorRefused");
    expect(told.at(-1)).to.deep.equal({ has: [], coming: [{ volumeId: "v1", epoch: 1 }] });
    await change();
    expect([told.at(-1)?.coming, await notedFor()]).to.deep.equal([[], []]);
  });

  it("are taken from a guest that clings when it was asked for long enough, and another one comes", async () => {
    await change(volumeOf("v1"));
    Object.assign(world.processOf(spec.instanceId) ?? {}, { clings: true });
    const notes = [{ volumeId: "v1", epoch: 1, askedAtMs: clock.nowMs() - 30_000 }];
    await changeVolumes(workFor([volumeOf("v2", { place: 1 })], notes));
    expect((await hypervisor.volumesOf(spec.instanceId, never)).map(({ state }) => state)).to.deep.equal([
      ...["dead", "attached"],
    ]);
    expect(await notedFor(), "its file is closed").to.deep.equal(["volume v2 of epoch 1"]);
    expect(
      await reasonOf(change(volumeOf("v3"), volumeOf("v2", { place: 1 }))),
      "its place is not free",
    ).to.equal("hypervisorRefused");
  });

  it("are taken at once from a guest that clings, where it is not to be asked", async () => {
    await change(volumeOf("v1"), volumeOf("v2", { place: 1 }));
    Object.assign(world.processOf(spec.instanceId) ?? {}, { clings: true });
    const work = workFor([volumeOf("v2", { place: 1 })]);
    const forcedVolumes = [{ volumeId: "v1", epoch: 1 }];
    const beganMs = clock.nowMs();
    await changeVolumes({ ...work, spec: { ...work.spec, forcedVolumes } });
    expect(clock.nowMs()).to.equal(beganMs);
    expect(told.at(-1)?.has.map(({ volumeId, state }) => [volumeId, state])).to.deep.equal([
      ["v1", "dead"],
      ["v2", "attached"],
    ]);
  });

  it("grow while they are in use, and are told to the guest once", async () => {
    await change(volumeOf("v1"));
    const known = [{ volumeId: "v1", epoch: 1, toldBytes: gib }];
    const sizes: number[] = [];
    hypervisor.resizeVolume = async (_, __, sizeBytes) => void sizes.push(sizeBytes);
    await changeVolumes(workFor([volumeOf("v1", { sizeBytes: 2 * gib })], known));
    await changeVolumes(workFor([volumeOf("v1", { sizeBytes: gib })], known));
    expect([sizes, world.volumes.volumes.get("v1")?.sizeBytes]).to.deep.equal([[2 * gib], 2 * gib]);
    await changeVolumes(workFor([volumeOf("v1", { sizeBytes: gib })]));
    expect(sizes, "what the storage has, where nobody knows what was told").to.deep.equal([2 * gib, 2 * gib]);
  });

  it("are opened before a start, and closed with the machine", async () => {
    await hypervisor.halt(spec.instanceId, never);
    const wanted = [volumeOf("v1", { bootIndex: 0 }), volumeOf("v2", { storageId: "nas", place: 1 })];
    const opened = await openForStart(workFor(wanted));
    expect(opened.map(({ place, bootIndex }) => [place, bootIndex])).to.deep.equal([
      [0, 0],
      [1, undefined],
    ]);
    await changeVolumes(workFor(wanted.slice(0, 1)));
    expect(await notedFor(), "of a guest that is down").to.deep.equal(["volume v1 of epoch 1"]);
    await releaseAll(workFor(wanted));
    expect(await notedFor()).to.deep.equal([]);
  });

  it("that are full let the guest go on when there is room, and not before", async () => {
    const small = new FakeVolumePool(null, 2 * gib);
    small.writtenPart = 1;
    own = new FakeVolumes(small, world);
    await change(volumeOf("v1", { sizeBytes: 2 * gib }));
    fillDisk(world, spec.instanceId);
    expect(await reasonOf(goOn(workFor([volumeOf("v1")])))).to.equal("diskFull");
    expect((await hypervisor.inspect(spec.instanceId))?.status).to.equal("paused");
    expect(await reasonOf(goOn(workFor([])))).to.equal("done");
    fillDisk(world, spec.instanceId);
    expect(await reasonOf(goOn(workFor([]))), "a moment later").to.equal("diskFull");
    expect((await hypervisor.inspect(spec.instanceId))?.status).to.equal("paused");
  });
});
