/** Volumes that take long to be made: nobody makes one twice, and no guest that boots waits behind it. */
import { expect } from "chai";
import { volumeHandlers } from "../../../../actors/node/host/volumes.ts";
import { MachineRunner } from "../../../../actors/node/machine/effects.ts";
import { machineLimits } from "../../../../actors/node/machine/limits.ts";
import type { MachineMessage } from "../../../../actors/node/machine/messages.ts";
import { createSlots } from "../../../../actors/node/machine/slots.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import { changeVolumes, type VolumeWork } from "../../../../actors/node/machine/volumes.ts";
import { FakeDisks, FakeMachineFiles } from "../../../../nodes/drivers/fake/files.ts";
import { FakeHypervisor } from "../../../../nodes/drivers/fake/hypervisor.ts";
import { FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import { FakeWorld } from "../../../../nodes/drivers/fake/world.ts";
import type { MachineVolume } from "../../../../protocol/machine.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { machineSpec, silentLog } from "../../../support/driver-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { ensure } from "./worlds.ts";

const never = new AbortController().signal;
const volumeOf = (epoch = 1): MachineVolume => ({
  ...{ volumeId: "v1", epoch, place: 0, sizeBytes: 1024, storageId: null, made: false, source: null },
});

describe("the making of a volume", () => {
  let clock: SimulatedClock;
  let world: FakeWorld;
  let hypervisor: FakeHypervisor;
  let storages: VolumeStorages;
  let spec = machineSpec();
  /** Copies under way; resolving one ends it. */
  let copies: PromiseWithResolvers<void>[];

  beforeEach(async () => {
    clock = new SimulatedClock();
    world = new FakeWorld({ clock });
    hypervisor = new FakeHypervisor(world);
    copies = [];
    const own = new FakeVolumes(world.volumes, world);
    const create = own.create.bind(own);
    own.create = async (volumeId, wanted, signal) => {
      const copy = Promise.withResolvers<void>();
      copies.push(copy);
      signal.addEventListener("abort", () => copy.reject(signal.reason));
      await copy.promise;
      await create(volumeId, wanted, signal);
    };
    storages = new VolumeStorages([own]);
    const { versions, machineType, cpuModel } = world.shapes.offered;
    spec = machineSpec({ shape: { version: versions.at(-1) ?? 1, machineType, cpuModel } });
  });

  const start = () =>
    hypervisor.start(
      spec,
      { directory: "/nowhere", disk: undefined, kernel: undefined, ramdisk: undefined },
      never,
    );
  const ports = () => ({ hypervisor, storages, disks: new FakeDisks(world), clock, log: silentLog });
  const attach = (epoch: number, signal: AbortSignal) => {
    const work: VolumeWork = {
      ...{ ports: ports(), spec: { ...spec, volumes: [volumeOf(epoch)] }, notes: [], signal },
      tell: () => undefined,
    };
    return changeVolumes(work).then(
      () => "done",
      (error: unknown) => (error as Error).name,
    );
  };
  const attached = async () =>
    (await hypervisor.volumesOf(spec.instanceId, never)).map(({ volumeId, epoch }) => [volumeId, epoch]);

  it("goes on when an attach is given up, and the next one waits for its end, whatever its epoch", async () => {
    await start();
    const patience = new AbortController();
    const first = attach(1, patience.signal);
    await clock.settle();
    patience.abort();
    expect(await first).to.equal("AbortError");
    await clock.advance(machineLimits.makingUnwantedMsMax - 1);
    const second = attach(2, never);
    await clock.advance(machineLimits.makingUnwantedMsMax);
    expect(copies).to.have.length(1);
    copies[0]?.resolve();
    expect([await second, await attached()]).to.deep.equal(["done", [["v1", 2]]]);
  });

  it("is called off when nobody has waited for it for long, and then begins anew", async () => {
    await start();
    const patience = new AbortController();
    const first = attach(1, patience.signal);
    await clock.settle();
    patience.abort();
    await first;
    await clock.advance(machineLimits.makingUnwantedMsMax);
    expect(await copies[0]?.promise.catch((error: unknown) => (error as Error).name)).to.equal("AbortError");
    const second = attach(1, never);
    await clock.settle();
    copies[1]?.resolve();
    expect([await second, copies.length]).to.deep.equal(["done", 2]);
  });

  it("is called off when its volume is to be removed, and when the agent ends", async () => {
    await start();
    const waiting = attach(1, never);
    await clock.settle();
    const { removeVolumes } = volumeHandlers(storages, { all: () => [] }, { monotonicMs: () => 0 });
    const context: CallContext = {
      ...{ project: "admin", id: "", requestId: "r", deadlineMs: 0, traceparent: undefined },
      ...{ signal: never, onlyWaits: () => undefined },
    };
    await removeVolumes({ storageId: null, volumes: [{ volumeId: "v1", epoch: 1 }] }, context);
    expect([await waiting, [...world.volumes.volumes.keys()]]).to.deep.equal(["AbortError", []]);
    const another = attach(1, never);
    await clock.settle();
    await storages.makings.end();
    expect(await another).to.equal("AbortError");
  });

  it("tells all that wait why it failed", async () => {
    await start();
    const waiting = attach(1, never);
    await clock.settle();
    copies[0]?.reject(new StatusError("diskFull", "No room."));
    expect(await waiting).to.equal("StatusError");
    expect(await attached()).to.deep.equal([]);
  });

  it("holds no place among the guests that boot", async () => {
    const slots = createSlots(1);
    const told: MachineMessage[] = [];
    const files = new FakeMachineFiles(world);
    const runner = new MachineRunner(spec.instanceId, { ...ports(), others: [], files, knows: [], slots });
    const listener = {
      ...{ incarnation: 0, signal: never },
      tell: (one: MachineMessage) => told.push(one) > 0,
    };
    runner.start(
      {
        ...{ id: 1, kind: "boot", step: "preparing", aborted: false, resetCount: 0, early: undefined },
        ...{ ports: undefined, had: [], volumes: [{ volumeId: "v1", epoch: 1 }] },
      },
      { spec: { ...spec, volumes: [volumeOf()] }, intent: ensure().intent, notes: [] },
      listener,
    );
    await clock.settle();
    expect(copies).to.have.length(1);
    const leave = await slots.enter(never);
    copies[0]?.resolve();
    await clock.settle();
    expect([slots.waiting, await hypervisor.list()]).to.deep.equal([1, []]);
    leave();
    await runner.idle();
    expect(told.map(({ kind }) => kind)).to.include("settled");
    expect(await attached()).to.deep.equal([["v1", 1]]);
  });
});
