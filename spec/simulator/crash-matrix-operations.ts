/**
 * The operations of the crash matrix, as data: what brings an instance into the state that is wanted, what is
 * asked for then, and how everything shall be in the end, done or undone. Times are relative: those of
 * `prepare` to when the cluster is up, those of `act` to when counting begins.
 */
import { type Act, ask, command, created, fault, type Operation, one, today } from "./crash-matrix-acts.ts";
import { disks } from "./crash-matrix-disks.ts";
import { edits } from "./crash-matrix-edits.ts";
import { extensions } from "./crash-matrix-extensions.ts";
import { images, uploads } from "./crash-matrix-images.ts";
import { networks } from "./crash-matrix-networks.ts";
import { routing } from "./crash-matrix-routers.ts";
import { volumes } from "./crash-matrix-volumes.ts";
import type { FaultKind } from "./plan.ts";

const stopped = [...created, command("stopHard", 2_000)];
const paused = [...created, command("pause", 2_000)];
const failed = [...created, fault("guestPanics", 2_000)];

const create: readonly Operation[] = [
  { name: "create", prepare: [], act: created, done: [["running"]], undone: [[]] },
  {
    name: "create with wait",
    prepare: [],
    act: [command("create", 0, { wait: true })],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "create of 3",
    prepare: [],
    act: [command("create", 0, { count: 3 })],
    done: [["running", "running", "running"]],
    undone: [[]],
  },
  {
    name: "create, first host refuses",
    prepare: [],
    act: [{ atMs: 0, at: /^start$/, happens: "refuse", forMs: 1_500 }, ...created],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "create, first disk full",
    prepare: [],
    act: [{ atMs: 0, at: /^ensureDisks$/, happens: "fillDisk", forMs: 1_500 }, ...created],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "create, no host fits",
    parameters: { hostVcpus: 1 },
    prepare: [command("create", 0, { count: 2 })],
    act: created,
    done: [["running", "running"]],
    undone: [],
  },
  {
    name: "repeat of a request",
    prepare: [],
    act: [...created, command("repeat", 5), command("repeat", 400)],
    done: [["running"]],
    undone: [[]],
  },
];

const power: readonly Operation[] = [
  one("start", stopped, [command("start")], ["stopped", "running"]),
  one("stop", created, [command("stop", 0, { timeoutMs: 10_000 })], ["running", "stopped"]),
  {
    ...one("stop, deaf guest", created, [command("stop", 0, { timeoutMs: 1_000 })], ["running", "stopped"]),
    parameters: { shutdownMs: 600_000 },
  },
  one("stop, hard", created, [command("stopHard")], ["running", "stopped"]),
  one("reboot", created, [command("reboot")], ["running", "running"]),
  {
    ...one("reboot, deaf guest", created, [command("reboot")], ["running", "running"]),
    parameters: { shutdownMs: 600_000 },
  },
  one("reboot, hard", created, [command("rebootHard")], ["running", "running"]),
  one("pause", created, [command("pause")], ["running", "paused"]),
  one("unpause", paused, [command("unpause")], ["paused", "running"]),
  one("start of failed", failed, [command("start")], ["failed", "running"]),
  one("stop of paused", paused, [command("stopHard")], ["paused", "stopped"]),
  {
    ...one(
      "reboot during reboot",
      created,
      [command("reboot"), command("rebootHard", 60)],
      ["running", "running"],
    ),
    parameters: { shutdownMs: 600_000 },
  },
];

const removal: readonly Operation[] = [
  one("delete of running", created, [command("delete")], ["running", "deleted"]),
  one("delete of stopped", stopped, [command("delete")], ["stopped", "deleted"]),
  one("delete of paused", paused, [command("delete")], ["paused", "deleted"]),
  one("delete of failed", failed, [command("delete")], ["failed", "deleted"]),
  one("delete with wait", created, [command("delete", 0, { wait: true })], ["running", "deleted"]),
];

/** The second command comes while the first is under way; a guest takes a while to start. */
const slow = { startMs: 600 };

const overtaking: readonly Operation[] = [
  {
    name: "delete during build",
    parameters: slow,
    prepare: [],
    act: [...created, command("delete", 100)],
    done: [["deleted"]],
    undone: [[], ["running"]],
  },
  {
    name: "stop during build",
    parameters: slow,
    prepare: [],
    act: [...created, command("stopHard", 100)],
    done: [["stopped"]],
    undone: [[], ["running"]],
  },
  {
    name: "start during stop",
    prepare: created,
    act: [command("stop", 0, { timeoutMs: 10_000 }), command("start", 100)],
    done: [["running"]],
    undone: [["stopped"]],
  },
  {
    name: "stop during start",
    parameters: slow,
    prepare: stopped,
    act: [command("start"), command("stopHard", 100)],
    done: [["stopped"]],
    undone: [["running"]],
  },
  {
    name: "delete during stop",
    prepare: created,
    act: [command("stop", 0, { timeoutMs: 10_000 }), command("delete", 100)],
    done: [["deleted"]],
    undone: [["running"], ["stopped"]],
  },
];

const byItself: readonly Operation[] = [
  one("guest dies", created, [fault("guestDies")], ["running", "running"]),
  one("guest shuts down", created, [fault("guestShutsDown")], ["running", "stopped"]),
  {
    ...one("guest panics", created, [fault("guestPanics")], ["running", "failed"]),
    // Or its host was lost before anybody heard of the panic, and another one has started it.
    done: [["failed"], ["running"]],
  },
  one("agent restart", created, [fault("agentStops")], ["running", "running"]),
  one("power loss", created, [fault("powerLoss")], ["running", "running"]),
  {
    name: "agent killed in a build",
    parameters: slow,
    prepare: [],
    act: [{ atMs: 0, at: /^start$/, happens: "kill", forMs: 1_500 }, ...created],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "controller killed in a build",
    parameters: slow,
    prepare: [],
    act: [{ atMs: 0, at: /claimed/, happens: "kill", forMs: 1_500 }, ...created],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "cell cut off in a stop",
    prepare: created,
    act: [command("stop", 0, { timeoutMs: 10_000 }), fault("busDown", 30)],
    done: [["stopped"]],
    undone: [["running"]],
  },
];

const three = ["running", "running", "running"];

/** A host with a guest, for longer than any lease: the guest starts elsewhere. */
const lost = (name: string, kind: FaultKind): Operation => ({
  ...{ name, prepare: [command("create", 0, { count: 3 })], act: [fault(kind, 0, 18_000)] },
  ...{ done: [three], undone: [three] },
  parameters: { hosts: 3, sharedDisks: "locked", oneVersion: true },
});

const recovered: readonly Operation[] = [
  lost("power lost for long", "hostAway"),
  lost("agent dead for long", "killAgent"),
  lost("agent stopped for long", "pauseAgent"),
  lost("host cut off for long", "isolate"),
];

const catalog = (
  name: string,
  prepare: readonly Act[],
  act: Act,
  [from, to]: [string, string],
): Operation => ({
  ...{ name, prepare, act: [act], done: [[to]], undone: [from === "" ? [] : [from]] },
});
const newFlavor = ask("flavor.create", "", { name: "small", vcpus: 1, memoryMib: 128, diskGib: 1 });
const newImage = ask("image.register", "", { name: "small", kernel: { path: "/kernel" } });
const disabling = ask("host.disable", "h1", { reason: "simulated" });

const newGroup = ask("server-group.create", "", { name: "apart", policy: "anti-affinity" });
const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f simulated";
const newKey = ask("key-pair.create", "", { name: "mine", publicKey });
const newRack = ask("aggregate.create", "", { name: "rack", availabilityZone: "north" });
const joining = ask("aggregate.addHost", "rack", { host: "h1" });
const member = command("create", 0, { request: { serverGroup: "apart" } });

const surroundings: readonly Operation[] = [
  { ...catalog("group create", [], newGroup, ["", "server-group created"]), ...today },
  {
    ...today,
    ...catalog("group delete", [newGroup], ask("server-group.delete", "apart"), [
      ...(["server-group created", "server-group deleted"] as const),
    ]),
  },
  { ...catalog("key pair create", [], newKey, ["", "key-pair created"]), ...today },
  {
    ...today,
    ...catalog("key pair delete", [newKey], ask("key-pair.delete", "mine"), [
      ...(["key-pair created", "key-pair deleted"] as const),
    ]),
  },
  {
    ...catalog("quota set", [], ask("quota.set", "demo", { instances: 2 }), ["", "quota changed"]),
    ...today,
  },
  {
    ...catalog("default quota set", [], ask("quota.setDefault", "", { instances: 2 }), ["", "quota changed"]),
    ...today,
  },
  { ...catalog("aggregate create", [], newRack, ["", "aggregate created"]), ...today },
  {
    ...catalog("host into aggregate", [newRack], joining, ["aggregate created", "aggregate hostAdded"]),
    ...today,
  },
  {
    ...today,
    ...catalog("zone of aggregate", [newRack], ask("aggregate.set", "rack", { availabilityZone: "south" }), [
      ...(["aggregate created", "aggregate changed"] as const),
    ]),
  },
  {
    ...today,
    name: "two members apart",
    prepare: [newGroup],
    act: [member, member],
    done: [["running", "running", "server-group created"]],
    undone: [["running", "server-group created"], ["server-group created"]],
  },
  {
    name: "create of 5, 2 are enough",
    parameters: { hostVcpus: 1, oneVersion: true },
    prepare: [],
    act: [command("create", 0, { count: 5, request: { atLeast: 2 } })],
    done: [["running", "running"]],
    undone: [[]],
  },
  {
    name: "evacuate",
    // One controller: its first instance is always on h1, which is lost.
    parameters: { hosts: 3, controllers: 1, sharedDisks: "locked", oneVersion: true },
    prepare: [command("create", 0, { request: { recovery: { policy: "leave" } } })],
    act: [fault("hostAway", 0, 18_000), command("evacuate", 14_500)],
    done: [["running"]],
    undone: [["failed"], ["stopped"]],
  },
];

const draining = ask("host.drain", "h1", { reason: "simulated" });
const enabling: Act = { atMs: 150, ask: "host.enable", id: "h1", request: {} };
/** One guest on each host; it can start on every host, and every host has a power controller. */
const steered = { parameters: { hosts: 3, sharedDisks: "locked", oneVersion: true } } as const;
const oneEach = [command("create", 0, { count: 3 })];

/** What becomes of a host and its guests when its actor, or whoever is asked by it, dies on the way. */
const hosts: readonly Operation[] = [
  {
    ...{ name: "host drain", ...steered, prepare: oneEach, act: [draining] },
    ...{ done: [["host draining", ...three]], undone: [three] },
  },
  {
    ...{ name: "host drain, enabled meanwhile", ...steered, prepare: oneEach, act: [draining, enabling] },
    // Whichever comes last: a request that is lost is asked again after the other one.
    done: [
      ["host enabled", ...three],
      ["host draining", ...three],
    ],
    undone: [three],
  },
  {
    ...{
      name: "host drain, drained again",
      ...steered,
      prepare: oneEach,
      act: [draining, { ...draining, atMs: 150 }],
    },
    ...{ done: [["host draining", ...three]], undone: [three] },
  },
  {
    name: "host drain of what stays",
    ...steered,
    prepare: [command("create", 0, { count: 3, request: { recovery: { policy: "leave" } } })],
    act: [draining],
    done: [["host draining", ...three]],
    undone: [three, ["failed", "host draining", "running", "running"], ["failed", "running", "running"]],
  },
  {
    ...{ name: "host fence by power", ...steered, prepare: oneEach },
    act: [ask("host.fence", "h1", { confirm: "node-1", power: true, wait: false })],
    ...{ done: [three], undone: [three] },
  },
  {
    ...{ name: "host fence by word", ...steered, prepare: oneEach },
    act: [
      fault("hostAway", 0, 30_000),
      { atMs: 500, ask: "host.fence", id: "h1", request: { confirm: "node-1", reason: "off", force: true } },
    ],
    ...{ done: [three], undone: [three] },
  },
];

const operators: readonly Operation[] = [
  catalog("flavor create", [], newFlavor, ["", "flavor created"]),
  catalog("flavor delete", [newFlavor], ask("flavor.delete", "small"), ["flavor created", "flavor deleted"]),
  catalog("image register", [], newImage, ["", "image registered"]),
  catalog("host disable", [], disabling, ["", "host disabled"]),
  catalog("host enable", [disabling], ask("host.enable", "h1"), ["host disabled", "host enabled"]),
];

export const operations: readonly Operation[] = [
  ...create,
  ...power,
  ...removal,
  ...overtaking,
  ...byItself,
  ...recovered,
  ...operators,
  ...hosts,
  ...surroundings,
  ...edits,
  ...extensions,
  ...networks,
  ...routing,
  ...images,
  ...volumes,
  ...uploads,
  ...disks,
];
