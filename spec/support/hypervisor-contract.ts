/**
 * The contract of every hypervisor driver: the port's promises, told as behaviour. The fake passes in a
 * millisecond, QEMU with real guests. The contract sees the driver only through the port; the bench does what
 * happens from outside (a process killed, an agent restarted).
 */
import { expect } from "chai";
import type { GuestEvent, GuestPaths, Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../actors/ports/network.ts";
import type { BlockDevice } from "../../actors/ports/volumes.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { reasonOf, shapeOf } from "./hypervisor-shape.ts";
import { givesAndTakesVolumes } from "./hypervisor-volumes.ts";

export interface HypervisorBench {
  readonly hypervisor: Hypervisor;
  /** Replaces the driver by a new one, as after a restart of the agent. */
  restartAgent(): Promise<Hypervisor>;
  paths(spec: MachineSpec): Promise<GuestPaths>;
  /** Devices for the guest's interfaces, in their order. Absent: guests only pretend, and send nothing. */
  plug?(spec: MachineSpec): Promise<Plugged>;
  /** What the guest's hypervisor may open as a volume. Absent: guests only pretend, and open nothing. */
  volume?(spec: MachineSpec, name: string): Promise<BlockDevice>;
  /** Kills the guest's process from outside. */
  kill(instanceId: string): Promise<void>;
  /** Resolves when the guest can hear its power button. */
  booted(instanceId: string): Promise<void>;
  /** How many times the guest's console has seen it boot. */
  boots(instanceId: string): Promise<number>;
  /** The guest's hardware as the guest sees it, to compare. Absent: the hypervisor has no shapes. */
  hardware?(instanceId: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface Plugged {
  readonly devices: readonly NetworkDevice[];
  /**
   * The sender's address of a frame that the guest has sent into the device; each call connects anew, and
   * leaves when it has one.
   */
  heard(device: NetworkDevice): Promise<string>;
}

export interface HypervisorContract {
  readonly name: string;
  makeBench(): Promise<HypervisorBench>;
  makeSpec(ownerEpoch: number): MachineSpec;
  /** Time-out for everything that depends on a guest. */
  readonly timeoutMs: number;
}

const never = new AbortController().signal;

const told = {
  ...{ hostname: "web-1", availabilityZone: "nova", launchIndex: 0, metadata: {} },
  ...{ publicKeys: [], userData: "aGVsbG8K" },
};

/** Collects a driver's events, and waits for one. */
class Heard {
  readonly events: GuestEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(hypervisor: Hypervisor) {
    hypervisor.onEvent((event) => {
      this.events.push(event);
      this.#wake?.();
    });
  }

  kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  async until(kind: GuestEvent["kind"]): Promise<void> {
    while (!this.events.some((event) => event.kind === kind)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function hypervisorContract(contract: HypervisorContract): void {
  describe(`${contract.name} keeps the hypervisor port's promises`, function () {
    this.timeout(contract.timeoutMs);
    let bench: HypervisorBench;
    let hypervisor: Hypervisor;
    let heard: Heard;

    beforeEach(async () => {
      bench = await contract.makeBench();
      hypervisor = bench.hypervisor;
      heard = new Heard(hypervisor);
    });
    afterEach(() => bench.close());

    const start = async (spec: MachineSpec, signal = never) =>
      hypervisor.start(spec, await bench.paths(spec), signal);

    it("says what it is", async () => {
      const capabilities = await hypervisor.capabilities();
      expect(capabilities.kind).to.match(/^[a-z][a-z0-9-]*$/);
      expect(["kvm", "tcg", "none"]).to.include(capabilities.accelerator);
      for (const one of capabilities.networks) expect(["stream", "tap", "macvtap"]).to.include(one);
      for (const one of capabilities.volumes) expect(["file", "device", "nbd"]).to.include(one);
      for (const one of ["hotPlug", "liveMigration", "console", "save"] as const)
        expect(capabilities[one]).to.be.a("boolean");
      expect(capabilities.acceleratorReason).to.match(/\.$/);
      expect(capabilities.version).to.match(/^[0-9]/);
    });

    it("gives a guest the shape that it is told, each time, and starts none with another", async () => {
      const { shapes } = await hypervisor.capabilities();
      const seen = async (id: string) => bench.hardware?.(id);
      const spec = contract.makeSpec(1);
      if (shapes === undefined) {
        expect(await seen(spec.instanceId)).to.equal(undefined);
        return;
      }
      const { machineType, cpuModel } = shapes;
      const shape = shapeOf(shapes);
      const { instanceId } = await start({ ...spec, shape });
      const first = await seen(instanceId);
      await hypervisor.halt(instanceId, never);
      for (const other of [
        { version: 999 },
        { machineType: "pc-q35-0.1" },
        { machineType: `${machineType},usb=on` },
        { cpuModel: "Nobody-v1" },
        { cpuModel: `${cpuModel},+svm` },
      ])
        expect(await reasonOf(start({ ...spec, shape: { ...shape, ...other } }))).to.equal(
          "hypervisorRefused",
        );
      expect(await hypervisor.list()).to.deep.equal([]);
      await start({ ...spec, shape });
      expect(await seen(instanceId)).to.deep.equal(first);
      await hypervisor.halt(instanceId, never);
      await start(spec);
      expect(await seen(instanceId), "of before there were shapes").not.to.deep.equal(first);
    });

    it("answers a start when the guest runs, and knows it from then on", async () => {
      const spec = contract.makeSpec(1);
      const guest = await start(spec);
      expect(guest).to.deep.include({ instanceId: spec.instanceId, ownerEpoch: 1, status: "running" });
      expect(await hypervisor.inspect(spec.instanceId)).to.deep.equal(guest);
      expect(await hypervisor.list()).to.deep.equal([guest]);
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("starts no guest without the config drive that it is to have", async () => {
      const { configDrive = false } = await hypervisor.capabilities();
      expect(configDrive).to.be.a("boolean");
      const plain = contract.makeSpec(1);
      const guest = { ...told, configDrive: true };
      const spec = { ...plain, guest };
      if (!configDrive) return;
      const { configDrive: drive, ...paths } = await bench.paths(spec);
      expect(drive).to.be.a("string");
      expect(await reasonOf(hypervisor.start(spec, paths, never))).to.equal("hypervisorRefused");
      expect(await hypervisor.inspect(spec.instanceId)).to.equal(undefined);
      const started = await hypervisor.start(spec, { ...paths, configDrive: drive }, never);
      expect(started.status).to.equal("running");
    });

    it("starts a guest with interfaces only when it is plugged into each of them", async () => {
      const { networks, shapes } = await hypervisor.capabilities();
      // Where it can plug guests into nothing, it is never asked to.
      if (networks.length === 0) return;
      const [mac, other] = ["52:54:00:00:00:0a", "52:54:00:00:00:0b"];
      const at = (portId: string, address: string) => ({
        ...{ portId, networkId: "n", mac: address, mtuBytes: 1_450 },
      });
      const shaped = shapes === undefined ? {} : { shape: shapeOf(shapes) };
      const spec = { ...contract.makeSpec(1), ...shaped, interfaces: [at("p", mac), at("q", other)] };
      const device = { kind: "stream", path: "/nowhere", mac, mtuBytes: 1_450 } as const;
      for (const interfaces of [undefined, [], [device], [device, device]]) {
        const paths = { ...(await bench.paths(spec)), ...(interfaces === undefined ? {} : { interfaces }) };
        expect(await reasonOf(hypervisor.start(spec, paths, never))).to.equal("hypervisorRefused");
      }
      expect(await hypervisor.inspect(spec.instanceId)).to.equal(undefined);
      const plugged = await bench.plug?.(spec);
      const devices = plugged?.devices ?? [device, { ...device, mac: other }];
      const guest = await hypervisor.start(
        spec,
        { ...(await bench.paths(spec)), interfaces: devices },
        never,
      );
      expect(guest.status).to.equal("running");
      if (plugged === undefined) return;
      // Twice: whoever carries the packets may leave, and come again.
      for (const _ of ["first", "again"])
        for (const [index, one] of devices.entries())
          expect(await plugged.heard(one), `interface ${index}`).to.equal(one.mac);
    });

    it("changes the interfaces of a guest that runs, which then has those and no others, or says that it cannot", async () => {
      const { networks, shapes, hotPlug } = await hypervisor.capabilities();
      const verbs = [hypervisor.rewire, hypervisor.unplugOthers];
      expect(!hotPlug || !verbs.includes(undefined), "what it says that it can").to.equal(true);
      if (networks.length === 0 || !hotPlug) return;
      const shaped = shapes === undefined ? {} : { shape: shapeOf(shapes) };
      const at = (place: number) => ({
        ...{ portId: `p${place}`, networkId: "n", mac: `52:54:00:00:00:1${place}`, mtuBytes: 1_450, place },
      });
      const plain = { ...contract.makeSpec(1), ...shaped };
      const of = (...places: readonly number[]) => ({ ...plain, interfaces: places.map(at) });
      const plugged = await bench.plug?.(of(0, 1, 3));
      const deviceAt = (place: number) =>
        plugged?.devices[[0, 1, 3].indexOf(place)] ??
        ({ kind: "stream", path: "/nowhere", mac: at(place).mac, mtuBytes: 1_450 } as const);
      const rewire = (...places: readonly number[]) =>
        hypervisor.rewire?.(of(...places), places.map(deviceAt), never) ?? Promise.resolve();
      expect(await reasonOf(rewire(0))).to.equal("guestFailed");
      const paths = { ...(await bench.paths(plain)), interfaces: [deviceAt(0), deviceAt(1)] };
      const { pid } = await hypervisor.start(of(0, 1), paths, never);
      if (plugged !== undefined) await bench.booted(plain.instanceId);
      for (const places of [[0, 1, 3], [0, 1, 3], [0, 3], [0, 1, 3], [0]]) await rewire(...places);
      await rewire(0, 1, 3);
      await hypervisor.unplugOthers?.(of(0, 2), never);
      expect(await reasonOf(rewire(0, 0))).to.equal("hypervisorRefused");
      await hypervisor.detach();
      hypervisor = await bench.restartAgent();
      await hypervisor.list();
      await rewire(0);
      expect((await hypervisor.inspect(plain.instanceId))?.pid).to.equal(pid);
      if (plugged === undefined) return;
      const heardOf = (place: number) =>
        plugged.heard(deviceAt(place)).catch(() => "nobody listens any more");
      expect(await heardOf(0)).to.equal(at(0).mac);
      expect(await heardOf(1)).to.equal("nobody listens any more");
    });

    it("gives a guest volumes, at its start and while it runs, and takes them back, or says that it cannot", () =>
      givesAndTakesVolumes(bench, contract.makeSpec(1)));

    it("tells when a guest is plugged in, before it runs, and runs none that is not", async () => {
      const { networks } = await hypervisor.capabilities();
      if (networks.length === 0) return;
      const spec = contract.makeSpec(1);
      const paths = await bench.paths(spec);
      let told = 0;
      const plugged = async () => {
        told += 1;
      };
      const refuse = async () => {
        throw new StatusError("hypervisorRefused", "Nobody has opened it.");
      };
      const refused = hypervisor.start(spec, { ...paths, plugged: refuse }, never);
      expect(await reasonOf(refused)).to.equal("hypervisorRefused");
      expect(await hypervisor.inspect(spec.instanceId)).to.equal(undefined);
      await hypervisor.start(spec, { ...paths, plugged }, never);
      expect(told).to.equal(1);
      await hypervisor.start(spec, { ...paths, plugged }, never);
      expect(told, "again by who takes it over").to.equal(2);
    });

    it("starts a guest without any interface", async () => {
      const { networks, shapes } = await hypervisor.capabilities();
      if (networks.length === 0) return;
      const shaped = shapes === undefined ? {} : { shape: shapeOf(shapes) };
      const spec = { ...contract.makeSpec(1), ...shaped, interfaces: [] };
      const paths = { ...(await bench.paths(spec)), interfaces: [] };
      expect((await hypervisor.start(spec, paths, never)).status).to.equal("running");
    });

    it("starts one process however often it is asked, also at the same time", async () => {
      const spec = contract.makeSpec(1);
      const first = start(spec);
      const second = start(spec);
      const pids = [(await first).pid, (await second).pid, (await start(spec)).pid];
      expect(new Set(pids).size).to.equal(1);
    });

    it("runs a paused guest again when it is started", async () => {
      const spec = contract.makeSpec(1);
      const { pid } = await start(spec);
      await hypervisor.pause(spec.instanceId, never);
      expect(await start(spec)).to.include({ pid, status: "running" });
    });

    it("ends the guest of an older epoch before it starts one of a newer", async () => {
      const old = contract.makeSpec(1);
      const { pid } = await start(old);
      const guest = await start({ ...old, ownerEpoch: 2 });
      expect(guest.ownerEpoch).to.equal(2);
      expect(guest.pid).not.to.equal(pid);
      expect(await hypervisor.list()).to.deep.equal([guest]);
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("refuses an older epoch and leaves the newer guest alone", async () => {
      const spec = contract.makeSpec(2);
      const guest = await start(spec);
      expect(await reasonOf(start({ ...spec, ownerEpoch: 1 }))).to.equal("staleEpoch");
      expect(await hypervisor.inspect(spec.instanceId)).to.deep.equal(guest);
    });

    it("pauses and resumes as often as it is asked, and tells nobody of it", async () => {
      const { instanceId } = await start(contract.makeSpec(1));
      await hypervisor.pause(instanceId, never);
      await hypervisor.pause(instanceId, never);
      expect((await hypervisor.inspect(instanceId))?.status).to.equal("paused");
      await hypervisor.resume(instanceId, never);
      await hypervisor.resume(instanceId, never);
      expect((await hypervisor.inspect(instanceId))?.status).to.equal("running");
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("presses the power button, tells of the shutdown, and keeps the ended guest", async () => {
      const spec = contract.makeSpec(1);
      const { instanceId, pid } = await start(spec);
      await bench.booted(instanceId);
      await hypervisor.pressPowerButton(instanceId, never);
      await heard.until("shutdown");
      expect(heard.kinds()).to.deep.equal(["shutdown"]);
      expect(await hypervisor.inspect(instanceId)).to.include({ pid, status: "shutdown" });
      expect(await reasonOf(hypervisor.pause(instanceId, never))).to.equal("hypervisorRefused");
      const again = await start(spec);
      expect(again.status).to.equal("running");
      expect(again.pid).not.to.equal(pid);
      expect(heard.kinds()).to.deep.equal(["shutdown"]);
    });

    it("resets a guest: the same process boots again", async () => {
      const { instanceId, pid } = await start(contract.makeSpec(1));
      await bench.booted(instanceId);
      await hypervisor.reset(instanceId, never);
      expect(await hypervisor.inspect(instanceId)).to.include({ pid, status: "running" });
      while ((await bench.boots(instanceId)) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("halts a guest for good, also twice, and does not call that a loss", async () => {
      const { instanceId } = await start(contract.makeSpec(1));
      await hypervisor.halt(instanceId, never);
      await hypervisor.halt(instanceId, never);
      expect(await hypervisor.inspect(instanceId)).to.equal(undefined);
      expect(await hypervisor.list()).to.deep.equal([]);
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("tells of a guest that was killed, and can start it again", async () => {
      const spec = contract.makeSpec(1);
      const { instanceId, pid } = await start(spec);
      await bench.kill(instanceId);
      await heard.until("lost");
      expect(heard.events).to.deep.equal([{ kind: "lost", instanceId }]);
      expect(await hypervisor.inspect(instanceId)).to.equal(undefined);
      expect((await start(spec)).pid).not.to.equal(pid);
    });

    it("answers for a guest that is not there: halt succeeds, everything else fails", async () => {
      const { instanceId } = contract.makeSpec(1);
      await hypervisor.halt(instanceId, never);
      expect(await hypervisor.inspect(instanceId)).to.equal(undefined);
      for (const verb of ["pause", "resume", "pressPowerButton", "reset"] as const) {
        expect(await reasonOf(hypervisor[verb](instanceId, never)), verb).to.equal("guestFailed");
      }
    });

    it("leaves no process behind when a start is called off", async () => {
      const spec = contract.makeSpec(1);
      const paths = await bench.paths(spec);
      const abort = new AbortController();
      const starting = hypervisor.start(spec, paths, abort.signal);
      abort.abort();
      expect(await reasonOf(starting)).to.equal("AbortError");
      expect(await reasonOf(hypervisor.start(spec, paths, abort.signal))).to.equal("AbortError");
      expect(await hypervisor.list()).to.deep.equal([]);
      expect(heard.kinds()).to.deep.equal([]);
    });

    it("lets guests run on when the agent ends, and takes them over when it comes back", async () => {
      const spec = contract.makeSpec(3);
      const guest = await start(spec);
      await hypervisor.detach();
      hypervisor = await bench.restartAgent();
      expect(await hypervisor.list()).to.deep.equal([guest]);
      const after = new Heard(hypervisor);
      expect((await start(spec)).pid).to.equal(guest.pid);
      await hypervisor.pause(spec.instanceId, never);
      expect((await hypervisor.inspect(spec.instanceId))?.status).to.equal("paused");
      await bench.kill(spec.instanceId);
      await after.until("lost");
      expect(after.kinds()).to.deep.equal(["lost"]);
      expect(heard.kinds()).to.deep.equal([]);
    });
  });
}
