/** The part of the hypervisor's contract that is about volumes; see hypervisor-contract.ts. */
import { expect } from "chai";
import type { DetachOptions, GuestPaths, GuestVolume, Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { BlockDevice } from "../../actors/ports/volumes.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { reasonOf, shapeOf } from "./hypervisor-shape.ts";

const never = new AbortController().signal;
const pretended: BlockDevice = { kind: "file", path: "/nowhere", format: "raw", mode: "readWrite" };

/** As HypervisorBench. */
interface Bench {
  readonly hypervisor: Hypervisor;
  restartAgent(): Promise<Hypervisor>;
  paths(spec: MachineSpec): Promise<GuestPaths>;
  volume?(spec: MachineSpec, name: string): Promise<BlockDevice>;
  booted(instanceId: string): Promise<void>;
}

/** `plain`: of a guest of the bench, without a shape. */
export async function givesAndTakesVolumes(bench: Bench, plain: MachineSpec): Promise<void> {
  let { hypervisor } = bench;
  const { volumes: kinds, shapes } = await hypervisor.capabilities();
  const verbs = [hypervisor.attachVolume, hypervisor.detachVolume, hypervisor.volumesOf];
  expect(new Set(verbs.map((verb) => verb === undefined)).size, "all of them or none").to.equal(1);
  if (kinds.length > 0)
    expect(hypervisor.attachVolume, "it says that it takes volumes").not.to.equal(undefined);
  if (hypervisor.attachVolume === undefined) return;
  const shaped = shapes === undefined ? {} : { shape: shapeOf(shapes) };
  const spec = { ...plain, ...shaped };
  const { instanceId } = spec;
  const volumeAt = async (name: string, place: number) => ({
    ...{ volumeId: `${name}-4f1d-4aaa-8bbb-cccccccccccc`, epoch: 1, place },
    device: (await bench.volume?.(spec, name)) ?? pretended,
  });
  const [cold, hot] = [await volumeAt("aaaaaaaa", 0), await volumeAt("bbbbbbbb", 25)];
  const other = await volumeAt("cccccccc", 25);
  const has = async () =>
    (await hypervisor.volumesOf?.(instanceId, never))
      ?.map(({ volumeId, place, state }) => `${volumeId.slice(0, 1)} ${place} ${state}`)
      .sort();
  const attach = (one: GuestVolume) => hypervisor.attachVolume?.(spec, one, never) ?? Promise.resolve();
  const detach = (one: GuestVolume, options: DetachOptions = {}) =>
    hypervisor.detachVolume?.(spec, one, options, never);
  expect(await reasonOf(attach(hot))).to.equal("guestFailed");
  const { pid } = await hypervisor.start(spec, { ...(await bench.paths(spec)), volumes: [cold] }, never);
  await bench.booted(instanceId);
  expect(await has()).to.deep.equal(["a 0 attached"]);
  for (const _ of ["once", "twice"]) await attach(hot);
  expect(await reasonOf(attach({ ...hot, place: 26 })), "no place").to.equal("hypervisorRefused");
  expect(await reasonOf(attach({ ...hot, place: 3 })), "elsewhere").to.equal("hypervisorRefused");
  expect(await reasonOf(attach(other)), "occupied").to.equal("hypervisorRefused");
  const older = { ...spec, ownerEpoch: 7 };
  expect(await reasonOf(hypervisor.attachVolume(older, hot, never))).to.equal("staleEpoch");
  expect(await has()).to.deep.equal(["a 0 attached", "b 25 attached"]);
  await hypervisor.detach();
  hypervisor = await bench.restartAgent();
  await hypervisor.list();
  for (const _ of ["once", "twice"]) await detach(hot);
  await attach(other);
  expect(await has()).to.deep.equal(["a 0 attached", "c 25 attached"]);
  await detach({ ...cold, epoch: 2 });
  expect(await has(), "another epoch is another volume").to.have.length(2);
  for (const _ of ["once", "twice"]) await detach(cold, { force: true });
  expect(await has()).not.to.include("a 0 attached");
  await hypervisor.pause(instanceId, never);
  await detach(other, { waitedMs: 30_000 });
  expect(await has()).not.to.include("c 25 attached");
  expect(await reasonOf(attach(hot)), "a dead one is there").to.equal("hypervisorRefused");
  expect((await hypervisor.inspect(instanceId))?.pid).to.equal(pid);
}
