/** Interfaces of a running guest, changed by QMP: against a QEMU in memory, whose guest may keep them. */
import { expect } from "chai";
import { QmpRefusal } from "../../../nodes/drivers/qemu/qmp.ts";
import { type Card, rewireGuest, unplugOthers } from "../../../nodes/drivers/qemu/rewiring.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

type Data = Readonly<Record<string, unknown>>;

/** Devices and their other sides, as QEMU keeps them apart. */
class Qemu {
  readonly devices = new Map<string, string>();
  readonly netdevs = new Map<string, string>();
  /** Device of a guest that gives nothing back. */
  readonly clung = new Set<string>();
  readonly asked = new Set<string>();
  /** Commands after which the agent ends. */
  patience = Number.POSITIVE_INFINITY;

  async execute(command: string, data: Data = {}): Promise<unknown> {
    this.patience -= 1;
    if (this.patience < 0) throw new Error("The agent has ended.");
    const id = String(data.id);
    const refuse = (why: string): never => {
      throw new QmpRefusal(command, "GenericError", why);
    };
    switch (command) {
      case "qom-list":
        return [...this.devices.keys(), "serial0"].map((name) => ({ name }));
      case "qom-get":
        return this.devices.get(String(data.path).split("/").at(-1) ?? "");
      case "netdev_add":
        if (this.netdevs.has(id)) refuse(`Duplicate ID '${id}'`);
        return this.netdevs.set(id, JSON.stringify(data.addr));
      case "netdev_del":
        return this.netdevs.delete(id) || refuse("not found");
      case "device_add":
        if (this.devices.has(id) || !this.netdevs.has(String(data.netdev))) refuse("in use");
        return this.devices.set(id, String(data.mac));
      case "device_del":
        if (!this.devices.has(id) || this.asked.has(id)) refuse("already in the process of unplug");
        if (this.clung.has(id)) this.asked.add(id);
        else this.devices.delete(id);
        return {};
      default:
        return refuse("unknown");
    }
  }

  /** MAC and path of what packets pass through, by place. */
  get wired(): Readonly<Record<string, string>> {
    const alive = [...this.devices].filter(([id]) => this.netdevs.has(`net${id.slice(3)}`));
    return Object.fromEntries(
      alive.map(([id, mac]) => [id, `${mac} ${this.netdevs.get(`net${id.slice(3)}`)}`]),
    );
  }
}

const card = (place: number, mac = `mac-${place}`): Card => ({
  ...{ place, mac, plug: { kind: "stream" as const, path: `../${mac}` } },
  device: { driver: "virtio-net-pci", id: `nic${place}`, netdev: `net${place}`, mac },
});

describe("the interfaces of a running guest", () => {
  let clock: SimulatedClock;
  let qemu: Qemu;
  beforeEach(() => {
    clock = new SimulatedClock();
    qemu = new Qemu();
  });

  const rewire = async (...cards: readonly Card[]): Promise<string> => {
    const { signal } = new AbortController();
    let how = "";
    rewireGuest(cards, { qmp: qemu, instanceId: "i", places: 4, clock, signal }).then(
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
  const path = (mac: string) => `${mac} {"type":"unix","path":"../${mac}"}`;

  it("become those that are asked for, whatever they were before", async () => {
    for (const places of [[0], [0, 2], [0, 2], [2, 3], [], [1]]) {
      expect(await rewire(...places.map((place) => card(place)))).to.equal("done");
      const wanted = places.map((place) => [`nic${place}`, path(`mac-${place}`)] as const);
      expect(qemu.wired).to.deep.equal(Object.fromEntries(wanted));
      expect(qemu.netdevs.size).to.equal(places.length);
    }
  });

  it("are of another port where the place has another MAC", async () => {
    await rewire(card(0, "one"));
    expect(await rewire(card(0, "two"))).to.equal("done");
    expect(qemu.wired).to.deep.equal({ nic0: path("two") });
  });

  it("are made whole by the next life, wherever the one before has ended", async () => {
    for (let commands = 0; commands < 60; commands += 1) {
      qemu = new Qemu();
      await rewire(card(0), card(1));
      qemu.patience = commands;
      await rewire(card(1), card(2), card(3));
      qemu.patience = Number.POSITIVE_INFINITY;
      expect(await rewire(card(2), card(0)), `after ${commands} commands`).to.equal("done");
      expect(Object.keys(qemu.wired).sort(), `after ${commands} commands`).to.deep.equal(["nic0", "nic2"]);
      expect(qemu.netdevs.size).to.equal(2);
    }
  });

  it("pass nothing any more when the guest does not give them back, and their places are not used again", async () => {
    await rewire(card(0), card(1));
    qemu.clung.add("nic1");
    expect(await rewire(card(0))).to.equal("done");
    expect(qemu.wired).to.deep.equal({ nic0: path("mac-0") });
    expect([...qemu.devices.keys()]).to.deep.equal(["nic0", "nic1"]);
    for (const mac of ["mac-1", "another"]) {
      expect(await rewire(card(0), card(1, mac))).to.equal("hypervisorRefused");
      expect(qemu.wired).to.deep.equal({ nic0: path("mac-0") });
    }
    expect(await rewire(card(0), card(2))).to.equal("done");
    expect(Object.keys(qemu.wired)).to.deep.equal(["nic0", "nic2"]);
  });

  it("are taken away without anything to plug the others into, which stay or are to come", async () => {
    await rewire(card(0), card(1), card(2, "one"));
    qemu.clung.add("nic1");
    const before = qemu.wired.nic0;
    const wanted = [0, 2, 3].map((place) => ({ place, mac: `mac-${place}` }));
    const { signal } = new AbortController();
    const rest = { qmp: qemu, instanceId: "i", places: 4, clock, signal };
    let kept: ReadonlySet<number> | undefined;
    void unplugOthers(wanted, rest).then((places) => {
      kept = places;
    });
    await clock.runUntil(() => kept !== undefined);
    expect([...(kept ?? [])]).to.deep.equal([0]);
    expect(qemu.wired).to.deep.equal({ nic0: before });
  });

  it("stay where their open file was given at the start, go when they are to, and do not come later", async () => {
    const given = (place: number, mac = `mac-${place}`): Card => ({
      ...card(place, mac),
      plug: { kind: "macvtap", descriptor: 4 + place },
    });
    for (const place of [0, 1]) {
      qemu.devices.set(`nic${place}`, `mac-${place}`);
      qemu.netdevs.set(`net${place}`, "a file that is open");
    }
    const before = [...qemu.devices, ...qemu.netdevs];
    expect(await rewire(given(0), given(1))).to.equal("done");
    expect([...qemu.devices, ...qemu.netdevs]).to.deep.equal(before);
    for (const wanted of [
      [given(0), given(1), given(2)],
      [given(0), given(1), given(2)],
    ])
      expect(await rewire(...wanted)).to.equal("hypervisorRefused");
    expect([...qemu.devices, ...qemu.netdevs], "what was there").to.deep.equal(before);
    expect(await rewire(given(1))).to.equal("done");
    expect([...qemu.devices.keys(), ...qemu.netdevs.keys()]).to.deep.equal(["nic1", "net1"]);
    expect(await rewire(given(0), given(1))).to.equal("hypervisorRefused");
    qemu.netdevs.delete("net1");
    expect(await rewire(given(1)), "its other side is gone").to.equal("hypervisorRefused");
  });

  it("have their place again when the guest gives it back at last", async () => {
    await rewire(card(1));
    qemu.clung.add("nic1");
    await rewire();
    qemu.devices.delete("nic1");
    expect(await rewire(card(1))).to.equal("done");
    expect(qemu.wired).to.deep.equal({ nic1: path("mac-1") });
  });
});
