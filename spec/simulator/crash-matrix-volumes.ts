/**
 * Volumes in the crash matrix, as data: on a storage that hosts share, and on a host's own disk. What else
 * must be so of them in the end is in crash-matrix-volumes-end.ts.
 */
import { type Act, ask, command, fault, type Operation } from "./crash-matrix-acts.ts";
import type { FaultKind } from "./plan.ts";

const shared = { parameters: { oneVersion: true, volumes: true, sharedDisks: "locked" } } as const;
const own = { parameters: { oneVersion: true, volumes: true } } as const;
const kinds = [
  ["volume", shared],
  ["own volume", own],
] as const;

const later = (act: Act, atMs: number): Act => ({ ...act, atMs });
const of = (method: string, request: Readonly<Record<string, unknown>>, ofInstance = 0): Act => ({
  ...{ atMs: 0, ask: `instance.${method}`, request, ofInstance },
});
const made = ask("volume.create", "", { name: "data", sizeGib: 1 });
const guests = (count: number): Act => command("create", 0, { count });
const attach = (more: object = {}, ofInstance = 0): Act =>
  of("volumeAttach", { volume: "data", ...more }, ofInstance);
const detach = of("volumeDetach", { volume: "data" });
const remove = ask("volume.delete", "data");

const apart = [made, guests(1)];
const joined = [...apart, later(attach(), 3_000)];
const stopped = [...apart, command("stopHard", 3_000)];
const joinedStopped = [...joined, command("stopHard", 5_500)];
/** The volume has a file, and no instance has the volume. */
const parted = [...joined, later(detach, 5_500)];
/** It goes with its instance. */
const bound = [...apart, later(attach({ deleteOnTermination: true }), 3_000)];

const free = (state: string) => [state, "volume free"];
const held = (state: string) => [state, "volume attached"];

const ofBoth = (operation: Operation): readonly Operation[] =>
  kinds.map(([kind, on]) => ({
    ...operation,
    ...{ name: `${kind}: ${operation.name}`, parameters: { ...on.parameters, ...operation.parameters } },
  }));

const alone: readonly Operation[] = [
  {
    ...{ ...shared, name: "volume: create", prepare: [], act: [made] },
    ...{ done: [["volume free"]], undone: [[]] },
  },
  {
    ...{ ...shared, name: "volume: create from an image", prepare: [] },
    act: [ask("volume.create", "", { name: "data", sizeGib: 1, image: "tiny" })],
    ...{ done: [["volume free"]], undone: [[]] },
  },
  {
    ...{ ...shared, name: "volume: extend what nobody has", prepare: parted },
    act: [ask("volume.extend", "data", { sizeGib: 2 })],
    ...{ done: [["running", "volume free 2 GiB"]], undone: [free("running")] },
  },
];

const both: readonly Operation[] = [
  {
    ...{ name: "attach to a running guest", prepare: apart, act: [attach()] },
    ...{ done: [held("running")], undone: [free("running")] },
  },
  {
    ...{ name: "attach to a stopped one", prepare: stopped, act: [attach()] },
    ...{ done: [held("stopped")], undone: [free("stopped")] },
  },
  {
    ...{ name: "detach from a running guest", prepare: joined, act: [detach] },
    ...{ done: [free("running")], undone: [held("running")] },
  },
  {
    ...{ name: "detach from a stopped one", prepare: joinedStopped, act: [detach] },
    ...{ done: [free("stopped")], undone: [held("stopped")] },
  },
  {
    ...{ name: "extend of a running guest's", prepare: joined },
    act: [of("volumeExtend", { volume: "data", sizeGib: 2 })],
    ...{ done: [["running", "volume attached 2 GiB"]], undone: [held("running")] },
  },
  {
    ...{ name: "delete", prepare: parted, act: [remove] },
    ...{ done: [["running"]], undone: [free("running")] },
  },
  {
    ...{ name: "delete of an instance, which it goes with", prepare: bound, act: [command("delete")] },
    ...{ done: [["deleted"]], undone: [held("running")] },
  },
  {
    ...{ name: "delete of an instance, which it outlives", prepare: joined, act: [command("delete")] },
    ...{ done: [free("deleted")], undone: [held("running")] },
  },
  {
    ...{ name: "start with it", prepare: joinedStopped, act: [command("start")] },
    ...{ done: [held("running")], undone: [held("stopped")] },
  },
  {
    ...{ name: "power loss with it", prepare: joined, act: [fault("powerLoss")] },
    ...{ done: [held("running")], undone: [held("running")] },
  },
];

const raced: readonly Operation[] = [
  {
    // Whoever comes first has it.
    ...{ ...shared, name: "volume: attach to two guests at once", prepare: [made, guests(2)] },
    act: [attach(), attach({}, 1)],
    done: [["running", ...held("running")]],
    undone: [["running", ...free("running")]],
  },
  {
    ...{ ...shared, name: "volume: attach and delete at once", prepare: apart, act: [attach(), remove] },
    done: [held("running"), ["running"]],
    undone: [free("running")],
  },
  {
    ...{ ...shared, name: "volume: attach, and delete of the instance", prepare: apart },
    act: [attach(), command("delete", 60)],
    done: [free("deleted")],
    undone: [free("running"), held("running")],
  },
  {
    ...{ ...shared, name: "volume: attach what is made of an image" },
    prepare: [ask("volume.create", "", { name: "data", sizeGib: 1, image: "tiny" }), guests(1)],
    act: [attach()],
    ...{ done: [held("running")], undone: [free("running")] },
  },
];

/** Instances that begin with volumes, and are nothing without their root disk. */
const boot = (...asked: readonly object[]): Act => command("create", 0, { request: { volumes: asked } });
const rooted = { sizeGib: 1, bootIndex: 0 };

const begun: readonly Operation[] = [
  {
    ...{ name: "create with a root volume and another", prepare: [] },
    act: [boot(rooted, { sizeGib: 2 })],
    ...{ done: [["running", "volume attached", "volume attached 2 GiB"]], undone: [[]] },
  },
  {
    ...{
      name: "create on one that is there",
      prepare: [made],
      act: [boot({ volume: "data", bootIndex: 0 })],
    },
    ...{ done: [held("running")], undone: [["volume free"]] },
  },
  {
    ...{ name: "delete with the root volume", prepare: [boot({ ...rooted, deleteOnTermination: true })] },
    ...{ act: [command("delete")], done: [["deleted"]], undone: [held("running")] },
  },
  {
    ...{ name: "power loss with a root volume", prepare: [boot(rooted)], act: [fault("powerLoss")] },
    ...{ done: [held("running")], undone: [held("running")] },
  },
];

const begunShared: readonly Operation[] = [
  {
    ...{ ...shared, name: "volume: create with a root volume from an image", prepare: [] },
    act: [boot({ ...rooted, image: "tiny" })],
    ...{ done: [held("running")], undone: [[]] },
  },
  {
    // It goes on elsewhere: its volume is on the storage of both hosts.
    ...{ ...shared, name: "volume: create with a root volume, first host refuses", prepare: [] },
    act: [{ atMs: 0, at: /^start$/, happens: "refuse", forMs: 1_500 }, boot(rooted)],
    ...{ done: [held("running")], undone: [[]] },
  },
  {
    ...{ ...shared, name: "volume: two creates on one root volume", prepare: [made] },
    act: [boot({ volume: "data", bootIndex: 0 }), boot({ volume: "data", bootIndex: 0 })],
    ...{ done: [held("running")], undone: [["volume free"]] },
  },
];

const three = { ...shared.parameters, hosts: 3 } as const;
const several = [made, guests(3), later(attach(), 3_000)];
const withThree = ["running", "running", ...held("running")];

/** A host with a guest that has a volume, for longer than any lease: the guest starts elsewhere, with it. */
const lost = (name: string, kind: FaultKind): Operation => ({
  ...{ name: `volume: ${name}`, parameters: three, prepare: several, act: [fault(kind, 0, 18_000)] },
  ...{ done: [withThree], undone: [withThree] },
});

const moved: readonly Operation[] = [
  lost("power lost for long", "hostAway"),
  lost("agent dead for long", "killAgent"),
  lost("host cut off for long", "isolate"),
  {
    ...{ name: "volume: host drain", parameters: three, prepare: several },
    act: [ask("host.drain", "h1", { reason: "simulated" })],
    ...{ done: [["host draining", ...withThree]], undone: [withThree] },
  },
];

export const volumes: readonly Operation[] = [
  ...[...alone, ...both.flatMap(ofBoth), ...raced],
  ...[...begun.flatMap(ofBoth), ...begunShared, ...moved],
  {
    ...lost("power lost for long with a root volume", "hostAway"),
    prepare: [boot(rooted), later(guests(2), 1_000)],
  },
];
