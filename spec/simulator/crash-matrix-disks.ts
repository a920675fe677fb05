/**
 * Disks of instances in the crash matrix, as data: ephemeral and swap disks, root disks that are volumes,
 * copies of volumes, and images that are made of root disks.
 */
import { type Act, ask, command, created, fault, type Operation } from "./crash-matrix-acts.ts";

const onShared = { oneVersion: true, sharedDisks: "locked" } as const;
const local = { parameters: { ...onShared, sharedGib: 100, localDisks: true } } as const;
const volumed = { parameters: { ...onShared, volumes: true } } as const;
const copied = { parameters: { ...onShared, uploads: true } } as const;

const later = (act: Act, atMs: number): Act => ({ ...act, atMs });
const data = ask("volume.create", "", { name: "data", sizeGib: 1 });
const boot = (...volumes: readonly object[]): Act =>
  ask("instance.create", "", { name: "boot", flavor: "tiny", image: "tiny", volumes });
const fresh = { sizeGib: 1, bootIndex: 0 };
const copy = ask("volume.create", "", { name: "copy", sourceVolume: "data" });
const stopped = [...created, command("stopHard", 2_500)];
const asked = command("instanceImage");

const localDisks: readonly Operation[] = [
  { ...local, name: "local disks: create", prepare: [], act: created, done: [["running"]], undone: [[]] },
  {
    ...{ ...local, name: "local disks: power loss for long", prepare: created },
    act: [fault("powerLoss", 0, 40_000)],
    ...{ done: [["running"]], undone: [] },
  },
  {
    ...{ ...local, name: "local disks: delete", prepare: created, act: [command("delete")] },
    ...{ done: [["deleted"]], undone: [["running"]] },
  },
];

const bootVolumes: readonly Operation[] = [
  {
    ...{ ...volumed, name: "boot volume: create with a new one", prepare: [], act: [boot(fresh)] },
    ...{ done: [["running", "volume attached"]], undone: [[]] },
  },
  {
    ...{ ...volumed, name: "boot volume: create with one that is there", prepare: [data] },
    act: [boot({ volume: "data", bootIndex: 0 })],
    ...{ done: [["running", "volume attached"]], undone: [["volume free"]] },
  },
  {
    ...{ ...volumed, name: "boot volume: delete of what it outlives", prepare: [boot(fresh)] },
    act: [command("delete")],
    ...{ done: [["deleted", "volume free"]], undone: [["running", "volume attached"]] },
  },
  {
    ...{ ...volumed, name: "boot volume: delete with the instance" },
    prepare: [boot({ ...fresh, deleteOnTermination: true })],
    act: [command("delete")],
    ...{ done: [["deleted"]], undone: [["running", "volume attached"]] },
  },
];

const volumeCopies: readonly Operation[] = [
  {
    ...{ ...volumed, name: "volume copy: create", prepare: [data], act: [copy] },
    ...{ done: [["volume free", "volume free"]], undone: [["volume free"]] },
  },
  {
    ...{ ...volumed, name: "volume copy: given up on the way", prepare: [data] },
    act: [copy, later(ask("volume.delete", "copy"), 300)],
    ...{ done: [["volume free"]], undone: [["volume free"], ["volume free", "volume free"]] },
  },
];

const image = (name: string, prepare: readonly Act[], act: readonly Act[], state: string): Operation => ({
  ...{ ...copied, name: `image of an instance: ${name}`, prepare, act },
  done: [["image done", state]],
  undone: [[state], ["image failed", state]],
});

const images: readonly Operation[] = [
  image("that runs", created, [asked], "running"),
  image("that is stopped", stopped, [asked], "stopped"),
  {
    ...image("that starts meanwhile", stopped, [asked, command("start", 350)], "running"),
    undone: ["running", "stopped"].flatMap((state) => [
      [state],
      ["image done", state],
      ["image failed", state],
    ]),
  },
  {
    ...image("that goes meanwhile", created, [asked, command("delete", 350)], "deleted"),
    done: [
      ["deleted", "image done"],
      ["deleted", "image failed"],
    ],
    undone: [["deleted"], ["image done", "running"], ["image failed", "running"], ["running"]],
  },
];

export const disks: readonly Operation[] = [...localDisks, ...bootVolumes, ...volumeCopies, ...images];
