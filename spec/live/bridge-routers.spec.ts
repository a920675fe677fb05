/**
 * Routers of the driver `bridge` on the real kernel: between networks on one host and on two, to the outside
 * and back, and over the death of whoever holds them. Guests, hosts and the operator's network are
 * namespaces. Needs root, iproute2, nftables, conntrack and util-linux; skips loudly elsewhere.
 */
import { spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { expect } from "chai";
import { findKeepers, findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { isAlive, type ProcessIdentity } from "../../nodes/drivers/process-table.ts";
import type { RouterPicture } from "../../protocol/networking.ts";
import { missingForBridges, openBridge } from "../support/bridge-host.ts";
import { temporaryDirectory } from "../support/driver-world.ts";
import {
  makeRoutedHosts,
  nodeAddress,
  type RoutedHosts,
  serverAddress,
  type Talker,
} from "../support/routed-hosts.ts";
import {
  floatingAt,
  interfaceAt,
  officeOf,
  pictureOf,
  type RoutedGuest,
  type RoutedWorld,
  routerPicture,
  sendsOnly,
} from "../support/routed-pictures.ts";
import { routerConnections } from "../support/router-connections.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
/** Of the tools that an agent starts, every how many one is its last. */
const stride = 11;
const [floatA, floatC] = ["203.0.113.50", "203.0.113.51"];

/** Networks 1 and 2 are joined by a router, 3 and 4 by another, with the same addresses. */
const a: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5" };
const b: RoutedGuest = { number: 2, network: 2, address: "10.2.0.5" };
const c: RoutedGuest = { number: 3, network: 2, address: "10.2.0.6", host: 1 };
const d: RoutedGuest = { number: 4, network: 3, address: "10.1.0.5" };
const e: RoutedGuest = { number: 5, network: 4, address: "10.2.0.6", host: 1 };
const shy: RoutedGuest = { number: 6, network: 2, address: "10.2.0.7", group: sendsOnly.id };
/** In the second subnet of network 1. */
const f: RoutedGuest = { number: 7, network: 1, address: "10.5.0.5" };
const all = [a, b, c, d, e, shy, f];
const gatewayOf = ({ address }: RoutedGuest) => address.replace(/\.\d+$/, ".1");

const interfaces: RouterPicture["interfaces"] = [
  interfaceAt(1, 1, "10.1.0.1"),
  interfaceAt(2, 2, "10.2.0.1"),
  interfaceAt(5, 1, "10.5.0.1", 1),
];
const other = routerPicture(2, {
  interfaces: [interfaceAt(3, 3, "10.1.0.1"), interfaceAt(4, 4, "10.2.0.1")],
  outside: officeOf(false),
});
const floating = [floatingAt(floatA, a), floatingAt(floatC, c)];
const worldOf = (version: number, given: Partial<RouterPicture> = {}, guests = all): RoutedWorld => ({
  ...{ version, guests },
  networks: [
    { number: 1, cidrs: ["10.1.0.0/24", "10.5.0.0/24"] },
    { number: 2, cidrs: ["10.2.0.0/24"], mtuBytes: 1_300 },
    ...[3, 4].map((number) => ({ number, cidrs: [`10.${number - 2}.0.0/24`] })),
  ],
  routers: [routerPicture(1, { interfaces, outside: officeOf(), floating, ...given }), other],
});

describe("routers of the kernel's bridges", function () {
  this.timeout(120_000);
  let world: RoutedHosts;
  const talkers = new Map<RoutedGuest, Talker>();
  const talker = (guest: RoutedGuest) => talkers.get(guest) ?? expect.fail("It is not plugged in.");
  let version = 0;
  /** Every host is told. */
  const tell = async (given: Partial<RouterPicture> = {}, guests = all) => {
    version += 1;
    const underlays = world.computers.map(({ underlay }) => underlay);
    for (const [index, { network }] of world.hosts.entries())
      await network.apply(pictureOf(worldOf(version, given, guests), index, underlays), never);
  };
  /** Connections by a floating address to the guest `a`; guests may call the address as any other outside. */
  const leadingToA = async (address: string) =>
    (await routerConnections(first().fabric.directory, address)).filter((line) =>
      [a.address, serverAddress].some((one) => line.includes(`=${one} `)),
    );
  const [first, second] = [() => world.hosts[0] ?? expect.fail(), () => world.hosts[1] ?? expect.fail()];

  before(async function () {
    const why = missingForBridges();
    if (why !== undefined) return skip(this, why);
    world = await makeRoutedHosts();
    for (const guest of all) {
      const host = guest.host === 1 ? second() : first();
      const at = { address: guest.address, gateway: gatewayOf(guest) };
      talkers.set(guest, await world.plug(host, guest.number, guest.network, at));
    }
    await tell();
  });
  after(() => world?.close());

  it("says to which of the operator's networks it leads", async () => {
    expect((await first().network.facts()).outside).to.deep.equal([
      { physicalNetwork: "office", floating: true },
    ]);
  });

  it("lead from one network to another, and from a subnet to another, on one host", async () => {
    expect(await talker(a).seenBy(b.address)).to.equal(a.address);
    expect(await talker(b).seenBy(a.address)).to.equal(b.address);
    expect(await talker(f).seenBy(a.address)).to.equal(f.address);
    expect(await talker(f).seenBy(b.address)).to.equal(f.address);
  });

  it("lead to another host, whose own router leads back", async () => {
    expect(await talker(a).seenBy(c.address)).to.equal(a.address);
    expect(await talker(c).seenBy(a.address)).to.equal(c.address);
    expect(await talker(c).seenBy(f.address)).to.equal(c.address);
  });

  it("tell a guest whose packets are too large for the other network", async () => {
    // The first goes in one piece and is not carried on; the sender hears of it, and makes smaller ones.
    expect(await talker(a).seenBy(b.address, 150, 1_350)).to.equal(a.address);
    expect(await talker(a).ip(`route get ${b.address}`)).to.include(" mtu 1300");
  });

  it("keep two projects apart that have the same addresses", async () => {
    expect(await talker(d).seenBy(e.address)).to.equal(d.address);
    expect(await talker(e).seenBy(d.address)).to.equal(e.address);
    // It is another's: the one of this project does not answer.
    expect(await talker(d).seenBy(b.address, 4)).to.equal(null);
  });

  it("leave it to the groups of each port what gets in", async () => {
    expect(await talker(a).seenBy(shy.address, 4)).to.equal(null);
    expect(await talker(shy).seenBy(a.address)).to.equal(shy.address);
  });

  it("lead nowhere what is a link's own, or the host's", async () => {
    await talker(a).ip("route add 169.254.0.0/16 via 10.1.0.1", "route add 100.64.0.0/10 via 10.1.0.1");
    for (const address of ["169.254.0.1", "169.254.1.1", "100.64.0.2"])
      expect(await talker(a).seenBy(address, 2), address).to.equal(null);
  });

  it("lead outside as the node's own address, where they may", async () => {
    expect(await talker(b).seenBy(serverAddress)).to.equal(nodeAddress(0));
    expect(await talker(d).seenBy(serverAddress, 4)).to.equal(null);
  });

  it("lead from a floating address to its guest, and from the guest as that address", async () => {
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    expect(await talker(a).seenBy(serverAddress)).to.equal(floatA);
    expect(await world.server.seenBy(floatC)).to.equal(serverAddress);
    expect(await talker(c).seenBy(serverAddress)).to.equal(floatC);
    for (const address of [nodeAddress(0), nodeAddress(1), "203.0.113.99"])
      expect(await world.server.seenBy(address, 2), address).to.equal(null);
  });

  it("lead to a floating address from behind the same router as from everywhere", async () => {
    expect(await talker(b).seenBy(floatA)).to.equal(nodeAddress(0));
    expect(await talker(a).seenBy(floatC)).to.equal(floatA);
    expect(await talker(a).seenBy(floatA)).to.equal(floatA);
  });

  it("end what goes on at a floating address that is taken away, and at one that leads elsewhere", async () => {
    const asking = world.server.asking(floatA);
    await until("it is answered", async () => asking.answered() > 0);
    expect(await leadingToA(floatA), "while it goes on").not.to.deep.equal([]);
    await tell({ floating: [floatingAt(floatC, c)] });
    expect(await leadingToA(floatA)).to.deep.equal([]);
    await until("it is not", async () => asking.open() > 20);
    await asking.stop();
    expect(await talker(a).seenBy(serverAddress)).to.equal(nodeAddress(0));
    await tell({ floating: [floatingAt(floatA, b)] });
    expect(await talker(b).seenBy(serverAddress)).to.equal(floatA);
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    await tell();
    expect(await talker(a).seenBy(serverAddress)).to.equal(floatA);
  });

  it("tell the operator's network where a floating address is that has moved", async () => {
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    const macOfFloat = async () =>
      /lladdr (\S+)/.exec(await world.server.ip(`neigh show ${floatA} dev office`))?.[1];
    const before = await macOfFloat();
    await tell({ floating: [floatingAt(floatA, c)] });
    await until("the server knows", async () => (await macOfFloat()) !== before);
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    expect(await talker(c).seenBy(serverAddress)).to.equal(floatA);
    await tell();
  });

  it("tell it again when their link comes up", async () => {
    const known = `neigh replace ${floatA} lladdr 02:00:00:00:00:99 dev office nud stale`;
    const macOfFloat = async () =>
      /lladdr (\S+)/.exec(await world.server.ip(`neigh show ${floatA} dev office`))?.[1];
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    const right = await macOfFloat();
    const cable = (how: string) =>
      spawnSync("nsenter", [`--net=${world.computers[0]?.outside}`, "ip", "link", "set", "dev", "eth1", how]);
    cable("down");
    await world.server.ip(known);
    cable("up");
    await until("the server knows", async () => (await macOfFloat()) === right);
  });

  it("lead on between networks while the device to the outside is away, and outside when it is back", async () => {
    const told = await first().network.picture();
    expect(first().network.failures()).to.deep.equal([]);
    await world.cutOutside(0);
    // The driver is not told of the cut.
    await until("it has noticed", async () => first().network.failures().length > 0);
    await tell();
    expect(
      first()
        .network.failures()
        .map(({ of, id }) => [of, id]),
    ).to.deep.equal([["outside", "office"]]);
    expect(first().network.failures()[0]?.why).to.match(/^By this computer's device eth1: /);
    expect((await first().network.picture())?.version).to.equal((told?.version ?? 0) + 1);
    expect(await talker(a).seenBy(b.address)).to.equal(a.address);
    expect(await talker(a).seenBy(c.address)).to.equal(a.address);
    expect(await talker(b).seenBy(serverAddress, 4)).to.equal(null);
    // Nobody tells it.
    await world.mendOutside(0);
    expect(await talker(b).seenBy(serverAddress, 400)).to.equal(nodeAddress(0));
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
    await until("it says so", async () => first().network.failures().length === 0);
  });

  it("go on while agent and holders die, and are found again", async () => {
    const [inside, outside] = [talker(a).asking(c.address), talker(b).asking(serverAddress)];
    await until("both are answered", async () => inside.answered() * outside.answered() > 0);
    const { directory } = first().fabric;
    const spaces = (await findKeepers(directory)).map(({ space }) => space);
    expect(spaces, "two routers, one way outside").to.have.length(3);
    // What the agent has open goes with it. Only those who hold routers are left.
    await first().network.detach(false);
    for (const resident of await findResidents(directory)) await killed(resident);
    await first().restartAgent();
    await first().network.list();
    for (const { process } of await findKeepers(first().fabric.directory)) await killed(process);
    await until("others hold them", async () => {
      const now = (await findKeepers(first().fabric.directory)).map(({ space }) => space);
      return JSON.stringify(now.sort()) === JSON.stringify(spaces.sort());
    });
    for (const asking of [inside, outside]) {
      await asking.stop();
      await until("every question has its answer", async () => asking.open() === 0);
    }
  });

  it("find again whatever somebody has changed meanwhile", async () => {
    const { fabric } = first();
    const keepers = await findKeepers(fabric.directory);
    for (const { process, space } of keepers) {
      const inside = (...argv: string[]) =>
        spawnSync("nsenter", [`--net=/proc/${process.pid}/ns/net`, ...argv]);
      inside("nft", "flush", "ruleset");
      inside("ip", "route", "flush", "table", "main");
      inside("ip", "neigh", "flush", "nud", "permanent");
      if (space.startsWith("router")) inside("ip", "link", "del", "dev", "out0");
    }
    await fabric.run("ip", ["link", "del", "dev", "nvr00000000a101"], { timeoutMs: 10_000 });
    await first().restartAgent();
    await first().network.list();
    expect(await talker(a).seenBy(c.address)).to.equal(a.address);
    expect(await talker(b).seenBy(serverAddress)).to.equal(nodeAddress(0));
    expect(await world.server.seenBy(floatA)).to.equal(serverAddress);
  });

  it("go with the last guest who needs them, and leave nothing", async () => {
    const directory = first().fabric.directory;
    const names = (await findKeepers(directory)).map(({ process }) =>
      readlinkSync(`/proc/${process.pid}/ns/net`),
    );
    expect(names).to.have.length(3);
    await first().network.apply({ version: version + 1, networks: [], groups: [] }, never);
    await first().network.apply({ version: version + 2, networks: [], groups: [] }, never);
    version += 2;
    expect(await findKeepers(directory)).to.deep.equal([]);
    const { output } = await first().fabric.run("ip", ["-br", "link"], { timeoutMs: 10_000 });
    expect(output).not.to.match(/^nv[rbx]/m);
    const [computer] = world.computers;
    const { stdout } = spawnSync("nsenter", [`--net=${computer?.outside}`, "ip", "-br", "link"], {
      encoding: "utf8",
    });
    expect(stdout).not.to.include("nvo");
    await tell();
    expect(await talker(a).seenBy(b.address)).to.equal(a.address);
  });
});

describe("routers whose agent dies between any two of its steps", function () {
  this.timeout(300_000);

  it("are whole in the next life, and leave nothing when they go", async function () {
    const why = missingForBridges();
    if (why !== undefined) return skip(this, why);
    const world = await makeRoutedHosts();
    const place = await temporaryDirectory();
    const [outside = "", stateDirectory] = [world.computers[0]?.outside, place.path];
    const program = new URL("../support/dying-router.ts", import.meta.url).pathname;
    const ways = { office: { device: "eth1", address: `${nodeAddress(0)}/24` } };
    try {
      for (let step = 1; ; step += stride) {
        const argv = [program, stateDirectory, outside, String(step)];
        const child = spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "inherit"] });
        const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
          child.once("exit", (...how) => resolve(how));
        });
        if (code === 0) break;
        expect([code, signal], `step ${step}`).to.deep.equal([null, "SIGKILL"]);
        const { network, fabric } = openBridge({ stateDirectory, outside, ways });
        const picture = { ...pictureOf(worldOf(5 * step + 3)), far: [] };
        await network.apply(picture, never);
        expect(await findKeepers(fabric.directory), `step ${step}`).to.have.length(3);
        for (const version of [4, 5])
          await network.apply({ version: 5 * step + version, networks: [], groups: [] }, never);
        expect(await findKeepers(fabric.directory), `step ${step}`).to.deep.equal([]);
        const { output } = await fabric.run("ip", ["-br", "link"], { timeoutMs: 10_000 });
        expect(output, `step ${step}`).not.to.match(/^nv/m);
        await network.detach(false);
      }
      await openBridge({ stateDirectory, outside, ways }).network.detach(true);
    } finally {
      await world.close();
      await place.remove();
    }
  });
});

async function until(what: string, met: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await met())) {
    if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function killed(one: ProcessIdentity): Promise<void> {
  process.kill(one.pid, "SIGKILL");
  await until("it is gone", async () => !(await isAlive(one)));
}
