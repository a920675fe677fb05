/** Volumes of a running guest: each step by value, and by QMP against a QEMU in memory. */
import { expect } from "chai";
import type { GuestVolume } from "../../../actors/ports/hypervisor.ts";
import {
  attachBySteps,
  attachOne,
  detachBySteps,
  detachOne,
  volumesIn,
} from "../../../nodes/drivers/qemu/plugging.ts";
import { QmpRefusal } from "../../../nodes/drivers/qemu/qmp.ts";
import {
  type Asking,
  attachStep,
  detachStep,
  groupIn,
  groupOf,
  type SeenVolumes,
} from "../../../nodes/drivers/qemu/volume-steps.ts";
import { refuseVolumes, volumeNodes } from "../../../nodes/drivers/qemu/volumes.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { machineSpec } from "../../support/driver-world.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

type Data = Readonly<Record<string, unknown>>;
const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64" };
const spec = machineSpec({ shape });
const { signal } = new AbortController();

const volume = (name: string, place: number, epoch = 1): GuestVolume => ({
  ...{ volumeId: `${name}-4f1d-4aaa-8bbb-cccccccccccc`, epoch, place },
  device: {
    kind: "file",
    path: `/storage/volumes/${name}.e${epoch}/data.raw`,
    format: "raw",
    mode: "readWrite",
  },
});
const [one, two] = [volume("one", 0), volume("two", 0)];

/** QEMU with the objects of these volumes, and with devices on these nodes. */
const seen = (
  volumes: readonly GuestVolume[],
  drives: Readonly<Record<number, string>> = {},
): SeenVolumes => ({
  objects: ["serial0", ...volumes.map(groupOf)],
  drives: new Map(Object.entries(drives).map(([place, drive]) => [Number(place), drive])),
});

describe("the next step of a volume's way", () => {
  const patient: Asking = { canAnswer: true, force: false, waitedMs: 0, askedMs: undefined };
  it("knows whose a place is by the name of an object, and takes no other for one", () => {
    expect(groupIn(groupOf(one))).to.deep.equal({ volumeId: one.volumeId, epoch: 1, place: 0 });
    for (const name of [
      "volume",
      "volume.1.x",
      "volume.x.a.e1",
      "volume.1.a/b.e1",
      "random0",
      "volume.1.a.e1x",
    ])
      expect(groupIn(name), name).to.equal(undefined);
  });

  const ways: readonly (readonly [string, SeenVolumes, string])[] = [
    ["nothing is there", seen([]), "mark"],
    ["something of it is left", seen([one]), "tidy"],
    ["its device is on it", seen([one], { 0: "volume0" }), "done"],
    ["its device is dead", seen([one], { 0: "gone0" }), "refuse dead"],
    ["another one is there", seen([two], { 0: "volume0" }), "refuse occupied"],
    ["a dead one is there", seen([two], { 0: "gone0" }), "refuse dead"],
    ["another one has left something", seen([two]), "tidy"],
    ["it is there with an earlier epoch", seen([volume("one", 0, 0)], { 0: "volume0" }), "refuse occupied"],
    ["it is in another place", seen([volume("one", 4)], { 4: "volume4" }), "refuse elsewhere"],
    ["a device is there that is nobody's", seen([], { 0: "volume0" }), "refuse occupied"],
  ];
  for (const [what, there, expected] of ways)
    it(`into a guest: ${expected}, when ${what}`, () => {
      const step = attachStep(there, one, patient);
      expect(step.kind === "refuse" ? `refuse ${step.why}` : step.kind).to.equal(expected);
    });

  const asked = { ...seen([one], { 0: "volume0" }), objects: [groupOf(one), "asked0"] };
  const anew: readonly (readonly [string, Partial<Asking>, string])[] = [
    ["nobody has asked in this life", {}, "ask"],
    ["it was asked just now", { askedMs: 10 }, "wait"],
    ["it was asked long ago", { askedMs: 5_000, waitedMs: 5_000 }, "ask"],
    ["it has had its time", { askedMs: 10, waitedMs: 30_000 }, "done"],
    ["it does not run", { canAnswer: false }, "done"],
  ];
  for (const [what, given, expected] of anew)
    it(`into a guest that may give it back still: ${expected}, when ${what}`, () => {
      expect(attachStep(asked, one, { ...patient, ...given }).kind).to.equal(expected);
    });

  const there = seen([one], { 0: "volume0" });
  const out: readonly (readonly [string, SeenVolumes, Partial<Asking>, string])[] = [
    ["nothing is there", seen([]), {}, "done"],
    ["only another epoch is there", seen([volume("one", 0, 2)], { 0: "volume0" }), {}, "done"],
    ["its device has gone", seen([one]), {}, "close"],
    ["its device is dead", seen([one], { 0: "gone0" }), {}, "closeDead"],
    ["nobody has asked", there, {}, "ask"],
    ["it was asked just now", there, { askedMs: 10 }, "wait"],
    ["it was asked long ago", there, { askedMs: 5_000, waitedMs: 5_000 }, "ask"],
    ["it has had its time", there, { waitedMs: 30_000, askedMs: 10 }, "cut"],
    ["an earlier life has waited for it", there, { waitedMs: 31_000 }, "cut"],
    ["it cannot answer", there, { canAnswer: false }, "cut"],
    ["it is not to be asked", there, { force: true }, "cut"],
  ];
  for (const [what, has, given, expected] of out)
    it(`out of a guest: ${expected}, when ${what}`, () => {
      expect(detachStep(has, one, { ...patient, ...given }).kind).to.equal(expected);
    });

  it("is the same for what comes by NBD, whose connection has a name of its own", () => {
    const path = "/state/nfs/0123456789abcdef/nbd";
    const device = { kind: "nbd", path, format: "raw", mode: "readOnly" } as const;
    const [data, throttle] = volumeNodes({ ...one, place: 3, device }, "/state/guests/i");
    expect(data).to.deep.equal({
      ...{ driver: "raw", "node-name": "data3", discard: "unmap", "read-only": true },
      file: {
        ...{ driver: "nbd", "node-name": "remote3", discard: "unmap", "read-only": true },
        server: { type: "unix", path: "../../nfs/0123456789abcdef/nbd" },
      },
    });
    expect(throttle).to.include({ "node-name": "volume3", file: "data3" });
  });

  it("is refused for places and volumes that a guest could not tell apart, or does not have", () => {
    const refused = (volumes: readonly GuestVolume[], of: Parameters<typeof refuseVolumes>[0] = spec) => {
      try {
        refuseVolumes(of, volumes);
      } catch (error) {
        return error instanceof StatusError ? error.reason : String(error);
      }
      return "nothing";
    };
    const twin = { ...one, place: 1, volumeId: `${one.volumeId.slice(0, 20)}-other` };
    expect(refused([one, volume("two", 25)])).to.equal("nothing");
    for (const volumes of [
      [volume("one", 26)],
      [volume("one", -1)],
      [volume("one", 0.5)],
      [one, two],
      [one, twin],
    ])
      expect(refused(volumes)).to.equal("hypervisorRefused");
    expect(refused([one], machineSpec())).to.equal("hypervisorRefused");
    expect(refused([], machineSpec())).to.equal("nothing");
  });
});

/** Objects, nodes and devices, as QEMU keeps them apart, and its answers (7.2, tried). */
class Qemu {
  readonly objects = new Set<string>();
  /** By name; what a node is on. */
  readonly nodes = new Map<string, string | undefined>();
  readonly devices = new Map<string, string>();
  /** Devices that are gone for the guest, and still on their nodes. */
  readonly leaving = new Map<string, string>();
  status = "running";
  clings = false;
  /** Commands after which the guest gives back what it was asked for; and until QEMU is rid of the device. */
  slow = 0;
  #due: { readonly device: string; commands: number }[] = [];
  /** Commands after which the agent ends. */
  patience = Number.POSITIVE_INFINITY;

  async execute(command: string, data: Data = {}): Promise<unknown> {
    this.#pass();
    this.patience -= 1;
    if (this.patience < 0) throw new Error("The agent has ended.");
    const refuse = (why: string): never => {
      throw new QmpRefusal(command, "GenericError", why);
    };
    const [id, node] = [String(data.id), String(data["node-name"])];
    const users = (name: string) =>
      [...this.nodes.values(), ...this.devices.values(), ...this.leaving.values()].includes(name);
    switch (command) {
      case "query-status":
        return { status: this.status };
      case "qom-list":
        return [...(data.path === "/objects" ? this.objects : this.devices.keys())].map((name) => ({ name }));
      case "qom-get":
        return this.devices.get(String(data.path).split("/").at(-1) ?? "") ?? refuse("not found");
      case "qom-set": {
        const device = String(data.path).split("/").at(-1) ?? "";
        if (this.devices.get(device) === data.value) throw new Error("QEMU aborts.");
        if (!this.nodes.has(String(data.value))) refuse("Cannot find node");
        return this.devices.set(device, String(data.value));
      }
      case "object-add":
        return this.objects.has(id) ? refuse("attempt to add duplicate property") : this.objects.add(id);
      case "object-del":
        return this.objects.delete(id) || refuse("not found");
      case "blockdev-add":
        if (this.nodes.has(node)) refuse(`Duplicate nodes with node-name='${node}'`);
        return this.nodes.set(node, typeof data.file === "string" ? data.file : undefined);
      case "blockdev-del":
        if (!this.nodes.has(node)) refuse(`Failed to find node with node-name='${node}'`);
        if (users(node)) refuse(`Node ${node} is in use`);
        return this.nodes.delete(node);
      case "device_add":
        if (this.devices.has(id)) refuse(`Duplicate device ID '${id}'`);
        if (!this.nodes.has(String(data.drive))) refuse("not found");
        if (users(String(data.drive))) refuse("Drive is already in use");
        return this.devices.set(id, String(data.drive));
      case "device_del":
        if (!this.devices.has(id)) refuse("not found");
        if (!this.clings && this.status === "running" && !this.#due.some(({ device }) => device === id))
          this.#due.push({ device: id, commands: this.slow });
        if (this.slow === 0) this.#pass();
        return {};
      default:
        return refuse(`unknown: ${command}`);
    }
  }

  /** A device that leaves is listed no more, and is on its node as long again. */
  #pass(): void {
    for (const one of this.#due) {
      one.commands -= 1;
      if (one.commands === 0 || this.slow === 0) {
        const node = this.devices.get(one.device);
        this.devices.delete(one.device);
        if (node !== undefined && this.slow > 0) this.leaving.set(one.device, node);
      }
      if (one.commands <= -this.slow) this.leaving.delete(one.device);
    }
    this.#due = this.#due.filter(({ commands }) => commands > -this.slow);
  }

  get left(): readonly string[] {
    return [...this.objects, ...this.nodes.keys(), ...this.devices.keys()];
  }
}

describe("volumes of a guest that runs", () => {
  let clock: SimulatedClock;
  let qemu: Qemu;
  beforeEach(() => {
    clock = new SimulatedClock();
    qemu = new Qemu();
  });

  const plugging = () => ({ qmp: qemu, instanceId: spec.instanceId, signal });
  const outcome = async (work: Promise<unknown>): Promise<string> => {
    let how = "";
    work.then(
      () => {
        how = "done";
      },
      (error: unknown) => {
        how = error instanceof StatusError ? error.reason : String(error);
      },
    );
    await clock.runUntil(() => how !== "");
    return how;
  };
  const plug = (what: GuestVolume) =>
    outcome(
      attachBySteps({ clock, signal, instanceId: spec.instanceId }, (asking) =>
        attachOne(what, asking, { ...plugging(), spec, directory: "/guest" }),
      ),
    );
  const detach = (what: GuestVolume, options: { force?: boolean; waitedMs?: number } = {}) =>
    outcome(
      detachBySteps({ ...options, clock, signal, instanceId: spec.instanceId }, (asking) =>
        detachOne(what, asking, plugging()),
      ),
    );

  it("come, twice as once, and go and leave nothing", async () => {
    for (const _ of [1, 2]) expect(await plug(one)).to.equal("done");
    expect(await plug(volume("two", 25))).to.equal("done");
    expect(await plug(two)).to.equal("hypervisorRefused");
    expect((await volumesIn(plugging())).map(({ place, state }) => [place, state])).to.deep.equal([
      [0, "attached"],
      [25, "attached"],
    ]);
    for (const _ of [1, 2]) expect(await detach(one)).to.equal("done");
    expect(await detach(volume("two", 25))).to.equal("done");
    expect(qemu.left).to.deep.equal([]);
  });

  it("are what is wanted, wherever an agent has ended", async () => {
    for (const state of ["running", "prelaunch", "io-error"])
      for (let commands = 0; commands < 40; commands += 1) {
        const when = `after ${commands} commands, ${state}`;
        qemu = new Qemu();
        qemu.patience = commands;
        if ((await plug(one)) === "done") {
          qemu.status = state;
          await detach(one, { waitedMs: 30_000 });
        }
        qemu.patience = Number.POSITIVE_INFINITY;
        qemu.status = state;
        expect(await detach(one), when).to.equal("done");
        expect(qemu.nodes.has("data0"), when).to.equal(false);
        qemu.status = "running";
        const again = await plug(two);
        if (again !== "done") expect(await plug(two), when).to.equal("done");
        expect(qemu.devices.get("volume0"), when).to.equal("volume0");
        expect([...qemu.objects], when).to.deep.equal([groupOf(two)]);
      }
  });

  it("are there for good when an agent has ended while the guest was asked for them", async () => {
    for (const slow of [1, 3, 9, 40])
      for (let commands = 0; commands < 60; commands += 1) {
        const when = `a guest as slow as ${slow}, after ${commands} commands`;
        qemu = new Qemu();
        qemu.slow = slow;
        await plug(one);
        qemu.patience = commands;
        await detach(one);
        qemu.patience = Number.POSITIVE_INFINITY;
        expect(await plug(one), when).to.equal("done");
        for (let later = 0; later < 200; later += 1) await qemu.execute("query-status");
        expect(
          (await volumesIn(plugging())).map(({ state }) => state),
          when,
        ).to.deep.equal(["attached"]);
        expect([...qemu.objects], when).to.deep.equal([groupOf(one)]);
        expect(await detach(one), when).to.equal("done");
        for (let later = 0; later < 200; later += 1) await qemu.execute("query-status");
        expect(await detach(one), when).to.equal("done");
        expect(qemu.left, when).to.deep.equal([]);
      }
  });

  it("are closed in time when the guest does not give them back, and their place is not used again", async () => {
    await plug(one);
    qemu.clings = true;
    const beganMs = clock.monotonicMs();
    expect(await detach(one)).to.equal("done");
    expect(clock.monotonicMs() - beganMs).to.be.within(30_000, 35_000);
    expect(qemu.nodes.has("data0")).to.equal(false);
    expect((await volumesIn(plugging())).map(({ state }) => state)).to.deep.equal(["dead"]);
    expect(await plug(two)).to.equal("hypervisorRefused");
    qemu.clings = false;
    expect(await plug(two), "it is asked for once more").to.equal("hypervisorRefused");
    expect(await plug(two)).to.equal("done");
  });

  it("are closed at once when they are not to be asked for, also twice", async () => {
    await plug(one);
    const beganMs = clock.monotonicMs();
    for (const _ of [1, 2]) expect(await detach(one, { force: true })).to.equal("done");
    expect(clock.monotonicMs()).to.equal(beganMs);
    expect(qemu.left).not.to.include("data0");
  });

  it("leave nothing when QEMU refuses one", async () => {
    qemu.devices.set("volume0", "something");
    expect(await plug(one)).to.equal("hypervisorRefused");
    qemu.devices.clear();
    qemu.execute = ((real) => async (command: string, data?: Data) => {
      if (command === "device_add")
        throw new QmpRefusal(command, "GenericError", 'Failed to get "write" lock');
      return real.call(qemu, command, data);
    })(qemu.execute);
    expect(await plug(one)).to.contain("write");
    expect(qemu.left).to.deep.equal([]);
  });
});
