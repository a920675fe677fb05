/**
 * The driver `bridge` with its rules on two computers, which are namespaces with a cable between them, and
 * cards of which this spec is the guest: what is forged on one of them never comes to the other, and a port
 * without a rule receives nothing from before its guest's first instruction, whoever floods it. One computer
 * alone is in packet-rules.spec.ts. Needs root, nft, conntrack and QEMU (which only holds taps).
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Tap } from "../../actors/ports/network.ts";
import { killed } from "../../nodes/bench/tap-opener.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { writeVxlan } from "../../nodes/switch/frames/vxlan.ts";
import { makeTwoComputers, missingForBridges, openBridge } from "../support/bridge-host.ts";
import { FakeNic } from "../support/fake-nic.ts";
import { forgedFrames, sealed } from "../support/forged-frames.ts";
import * as frames from "../support/frames.ts";
import { missingForFabrics } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as world from "../support/switch-world.ts";

const never = new AbortController().signal;
const at = (number: number): world.Guest => ({ network: 1, number });
/** On the first computer, and on the second; the last one comes and goes. */
const [caller, called, late] = [at(7), at(8), at(9)];
const udpAt = (port: number) =>
  (["ingress", "egress"] as const).map((direction) =>
    world.rule({ direction, protocol: 17, portMin: port, portMax: port }),
  );
const closedPort = 5_001;
const markPort = 5_999;
const everything = [...world.sendAll, world.rule({}), world.rule({ ipVersion: 6 })];
/** Senders are free: what stays closed is closed by the receiver's own rules. */
const someIn = [...world.sendAll, ...udpAt(markPort)];
const macOf = (guest: world.Guest): Buffer => Buffer.from(world.macOf(guest).replaceAll(":", ""), "hex");
const floodBytesMax = 256 * 1_024;

interface Plugged {
  readonly card: FakeNic;
  readonly hypervisor: ChildProcess;
}

describe("rules of two computers", function () {
  this.timeout(120_000);
  const directory = mkdtempSync(join(tmpdir(), "novact-tunnel-"));
  let computers: Awaited<ReturnType<typeof makeTwoComputers>>;
  let hosts: readonly ReturnType<typeof openBridge>[] = [];
  const plugs = new Map<world.Guest, Plugged>();
  let version = 0;

  const network = (index: number) => hosts[index]?.network ?? expect.fail("no such host");
  const homeOf = (guest: world.Guest) => (guest === caller ? 0 : 1);
  /** Both computers are told, the one of these guests first whose rules are to be there first. */
  const tell = async (guests: readonly world.Guest[], rules: readonly world.RulePicture[]) => {
    version += 1;
    const groups = [{ ...world.defaultGroup(guests), rules: [...rules] }];
    for (const index of [1, 0]) {
      const [own, others] = [0, 1].map((one) =>
        guests.filter((guest) => homeOf(guest) === (index + one) % 2),
      );
      const underlay = computers.computers[1 - index]?.underlay ?? "";
      const far = (others ?? []).length === 0 ? [] : [world.farOf(underlay, others ?? [])];
      await network(index).apply({ ...world.pictureOf(own ?? [], { groups }), version, far }, never);
    }
  };
  const plug = async (guest: world.Guest): Promise<FakeNic> => {
    const { path: _path, ...port } = world.plugOf(guest);
    const device = await network(homeOf(guest)).ensurePort({ ...port, ownerEpoch: 1 }, never);
    if (device.kind !== "tap") throw new Error("It is no tap.");
    const path = join(directory, `${port.portId}.socket`);
    const card = await FakeNic.listen(path);
    const hypervisor = openWith(device, path);
    plugs.set(guest, { card, hypervisor });
    await card.until(() => card.isConnected);
    await network(homeOf(guest)).plugged(port.portId, never);
    return card;
  };
  const pull = async (guest: world.Guest): Promise<void> => {
    const there = plugs.get(guest);
    plugs.delete(guest);
    if (there !== undefined) await killed(there.hypervisor);
    await there?.card.close();
  };
  const card = (guest: world.Guest) => plugs.get(guest)?.card ?? expect.fail("it has no card");
  const udpFrame = (from: world.Guest, to: world.Guest, port: number, text: string) =>
    sealed(frames.ip4Frame(world.ends4(from, to), 17, frames.udp(4_000, port, Buffer.from(text))));

  let marks = 0;
  /** How many of the frames came, by the word that is in them. */
  const arrived = async (sent: readonly Buffer[], word: string) => {
    marks += 1;
    const mark = `mark-${marks}.`;
    card(called).received.length = 0;
    card(caller).send(...sent, udpFrame(caller, called, markPort, mark));
    await card(called).frame((frame) => frame.includes(mark));
    return card(called).received.filter((frame) => frame.includes(word)).length;
  };

  before(async function () {
    const missing = missingForFabrics() ?? missingForBridges();
    if (missing !== undefined) return skip(this, missing);
    // Guests' users pass through it.
    chmodSync(directory, 0o711);
    computers = await makeTwoComputers();
    hosts = computers.computers.map((computer, index) =>
      openBridge({
        ...{ stateDirectory: join(directory, `host-${index}`), ...computer },
        filter: packetFilter({ clock: systemClock, log: silentLog }),
        // What passes without rules is tried here.
        watches: false,
      }),
    );
    await tell([caller, called], everything);
    for (const guest of [caller, called]) await plug(guest);
  });
  after(async () => {
    for (const guest of [...plugs.keys()]) await pull(guest);
    for (const one of hosts) await one.network.detach(true);
    await computers?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const kinds = forgedFrames(caller, called, Buffer.from("forged"));
  for (const [kind, frame] of Object.entries(kinds))
    it(`let none of 1,000 forged ${kind} come to the other computer, where everything is allowed`, async () => {
      const good = udpFrame(caller, called, 5_000, "forged");
      expect(await arrived([good], "forged")).to.equal(1);
      const thousand = Array.from({ length: 1_000 }, () => frame);
      expect(await arrived(thousand, "forged")).to.equal(0);
    });

  it("believe nobody of the underlay but the host of who sends", async () => {
    await tell([caller, called, late], everything);
    const [first, second] = computers.computers;
    const script = `
      const [from, to, hex] = process.argv.slice(1);
      const socket = require("node:dgram").createSocket("udp4");
      socket.bind(0, from, () => socket.send(Buffer.from(hex, "hex"), 4789, to, () => socket.close()));`;
    const inject = (from: string, to: string, sender: world.Guest, number = 1) => {
      const frame = udpFrame(sender, called, 5_000, "injected");
      const argv = [process.execPath, "-e", script, from, to, writeVxlan(number, frame).toString("hex")];
      const { status, stderr } = spawnSync("nsenter", [`--net=${first?.outside}`, ...argv], {
        encoding: "utf8",
      });
      expect([status, stderr]).to.deep.equal([0, ""]);
    };
    const ip = (at: { readonly outside: string } | undefined, ...argv: string[]) =>
      expect(spawnSync("nsenter", [`--net=${at?.outside}`, "ip", ...argv]).status).to.equal(0);
    ip(first, "addr", "add", "192.0.2.9/24", "dev", "cable");
    ip(second, "addr", "add", "192.0.2.8/24", "dev", "cable");
    const [own, other] = [first?.underlay ?? "", second?.underlay ?? ""];
    inject(own, other, caller);
    expect(await arrived([], "injected"), "of the host that has the port").to.equal(1);
    inject("192.0.2.9", other, caller);
    expect(await arrived([], "injected"), "of a stranger").to.equal(0);
    inject(own, other, late);
    expect(await arrived([], "injected"), "for a port of the receiver's own").to.equal(0);
    inject(own, "192.0.2.8", caller);
    expect(await arrived([], "injected"), "to another address of the computer").to.equal(0);
    // Without the rules each frame arrives.
    const said = spawnSync("nsenter", [`--net=${second?.outside}`, "nft", "flush", "ruleset"]);
    expect(said.status).to.equal(0);
    for (const [from, to] of [
      ["192.0.2.9", other],
      [own, "192.0.2.8"],
    ] as const)
      inject(from, to, caller);
    inject(own, other, late);
    expect(await arrived([], "injected")).to.equal(3);
    await tell([caller, called], everything);
    inject("192.0.2.9", other, caller);
    expect(await arrived([], "injected"), "when the rules are there again").to.equal(0);
  });

  it("are all that keeps them back but what goes by no tunnel, and MACs that no tunnel believes", async () => {
    for (const { fabric } of hosts)
      for (const family of ["bridge", "inet"])
        await fabric.run("nft", ["delete", "table", family, "nv"], { timeoutMs: 10_000 });
    const kept = [];
    for (const [kind, frame] of Object.entries(kinds))
      if ((await arrived([frame], "forged")) === 0) kept.push(kind);
    expect(kept).to.deep.equal(
      Object.keys(kinds).filter((kind) => /^(?:ARP|MAC) | for everybody$/.test(kind)),
    );
  });

  it("let nothing come to a closed port, from before its guest's first instruction, of two floods", async () => {
    await tell([caller, called], someIn);
    let isOver = false;
    const flood = async (from: world.Guest) => {
      const bad = Array.from({ length: 50 }, () => udpFrame(from, late, closedPort, "flood"));
      let sent = 0;
      while (!isOver) {
        if (card(from).unsentBytes < floodBytesMax) {
          card(from).send(...bad);
          sent += bad.length;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      return sent;
    };
    const floods = [flood(caller), flood(called)];
    try {
      for (let round = 1; round <= 3; round += 1) {
        // The picture has the port before its tap is made.
        await tell([caller, called, late], someIn);
        const own = await plug(late);
        const mark = `opened-${round}.`;
        card(called).send(udpFrame(called, late, markPort, mark));
        await own.frame((frame) => frame.includes(mark));
        expect(own.received.filter((frame) => frame.includes("flood")).length).to.equal(0);
        await pull(late);
        await network(1).releasePort(world.portIdOf(late), 1, never);
      }
      // The same floods arrive where a rule allows them.
      await tell([caller, called, late], everything);
      const own = await plug(late);
      for (const from of [caller, called])
        await own.frame((frame) => frame.includes("flood") && frame.includes(macOf(from)));
    } finally {
      isOver = true;
    }
    for (const sent of await Promise.all(floods)) expect(sent).to.be.greaterThan(1_000);
  });
});

/** A hypervisor without a guest, which gives what the tap has to the card. */
function openWith(device: Tap, path: string): ChildProcess {
  const argv = [
    ...["-machine", "none", "-nodefaults", "-display", "none"],
    ...["-netdev", `tap,id=t,ifname=${device.name},script=no,downscript=no,vnet_hdr=off`],
    ...["-netdev", `stream,id=s,server=off,addr.type=unix,addr.path=${path}`],
    ...["-netdev", "hubport,id=a,hubid=0,netdev=t", "-netdev", "hubport,id=b,hubid=0,netdev=s"],
  ];
  return spawn("nsenter", [`--net=${device.namespace}`, "qemu-system-x86_64", ...argv], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}
