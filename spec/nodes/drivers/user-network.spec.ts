/** The network driver `user`: its ports, and how it keeps its switch, by one that only pretends. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { PortSpec } from "../../../actors/ports/network.ts";
import { guestUser } from "../../../nodes/drivers/guest-user.ts";
import { livingStat } from "../../../nodes/drivers/process-owners.ts";
import { UserNetwork } from "../../../nodes/drivers/user-network/network.ts";
import { PortFiles } from "../../../nodes/drivers/user-network/port-files.ts";
import { SwitchKeeper } from "../../../nodes/drivers/user-network/switch-keeper.ts";
import { switchPlace } from "../../../nodes/drivers/user-network/switch-process.ts";
import { factsOf } from "../../../nodes/drivers/user-network/underlay-facts.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { readSwitchApplied, type SwitchApplied } from "../../../nodes/switch/state.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { networkContract } from "../../support/network-contract.ts";
import { mountSmall, type SmallFileSystem } from "../../support/small-file-system.ts";
import { toldIn } from "../../support/told-in.ts";

const never = new AbortController().signal;
const program = join(import.meta.dirname, "../../support/stand-in-switch.ts");
const at = (version: number) => ({ version, networks: [], groups: [] });
const port = (number: number, given: Partial<PortSpec> = {}): PortSpec => ({
  ...{ portId: `port-${number}`, networkId: "network", instanceId: `instance-${number}`, ownerEpoch: 1 },
  ...{ hostName: "web", mac: `52:54:00:00:00:0${number}`, mtuBytes: 1_450, ...given },
});

async function makeBench(place?: TemporaryDirectory, clock: Clock = systemClock) {
  const { path, remove } = place ?? (await temporaryDirectory());
  const lives: UserNetwork[] = [];
  const open = (stateDirectory = path) => {
    const files = new PortFiles(stateDirectory, silentLog);
    const place = { ...switchPlace(stateDirectory, "host"), program, clock };
    const keeper = new SwitchKeeper(place, silentLog);
    const network = new UserNetwork({ files, keeper, hostId: "host", log: silentLog });
    lives.push(network);
    return network;
  };
  const network = open();
  const own = join(path, "switch", "host");
  return {
    ...{ path, own, network, open },
    toldTo: (asked: PortSpec) => toldIn(path, asked),
    said: () => readSwitchApplied(join(own, "applied.json")),
    restartAgent: async () => {
      await lives.at(-1)?.detach(false);
      return open();
    },
    close: async () => {
      for (const life of lives) await life.detach(true);
      await remove();
    },
  };
}

describe("what a host carries over its underlay", () => {
  it("is what fits into a packet of the device with the address", () => {
    const carried = (underlay: string, deviceBytes: number | undefined) =>
      factsOf(underlay, () => deviceBytes);
    expect(factsOf(undefined)).to.deep.equal({ kind: "user", mtuBytesMax: 65_535, spansHosts: false });
    const ethernet = { kind: "user", mtuBytesMax: 1_450, spansHosts: true, underlay: "192.0.2.1" };
    expect(carried("192.0.2.1", 1_500)).to.deep.equal(ethernet);
    expect(carried("2001:db8::1", 1_500).mtuBytesMax).to.equal(1_430);
    expect(carried("2001:0DB8:0:0:0:0:0:1", 1_500).underlay).to.equal("2001:db8::1");
    expect(carried("192.0.2.1", 65_536 + 1_000).mtuBytesMax).to.equal(65_535 - 50);
    for (const deviceBytes of [undefined, 1_300])
      expect(() => carried("192.0.2.1", deviceBytes))
        .to.throw(StatusError)
        .with.include({
          reason: "hypervisorRefused",
        });
  });

  it("is asked of this computer's devices", () => {
    expect(factsOf("127.1.2.3").mtuBytesMax).to.equal(65_535 - 50);
    expect(() => factsOf("192.0.2.1")).to.throw("No device of this computer has the address 192.0.2.1");
  });
});

const lives = ({ pid, startTicks }: SwitchApplied) => livingStat(pid)?.startTicks === startTicks;

async function until<T>(find: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

networkContract({ name: "the network driver user", timeoutMs: 20_000, makeBench: () => makeBench() });

describe("the switch of the network driver user", function () {
  this.timeout(20_000);
  let bench: Awaited<ReturnType<typeof makeBench>>;
  beforeEach(async () => {
    bench = await makeBench();
  });
  afterEach(() => bench.close());

  const plug = async (number = 1) => {
    await bench.network.ensurePort(port(number), never);
    await bench.network.apply(at(1), never);
    return until(() => bench.said());
  };
  const other = (pid: number) => async () => {
    const said = await bench.said();
    return said !== undefined && said.pid !== pid && lives(said) ? said : undefined;
  };

  it("is there once something is plugged in, and ends with the last port", async () => {
    await bench.network.apply(at(1), never);
    expect(await bench.said()).to.equal(undefined);
    const said = await plug();
    expect(lives(said)).to.equal(true);
    await bench.network.ensurePort(port(2), never);
    await bench.network.releasePort("port-1", 1, never);
    expect(lives(said)).to.equal(true);
    await bench.network.releasePort("port-2", 1, never);
    expect(lives(said)).to.equal(false);
    expect(await readdir(join(bench.path, "network", "ports"))).to.deep.equal([]);
  });

  it("goes on when the agent ends, is the next agent's, and ends with the guests", async () => {
    const said = await plug();
    const next = await bench.restartAgent();
    await next.apply(at(2), never);
    expect(await bench.said()).to.deep.include({ pid: said.pid, version: 2 });
    await next.detach(true);
    expect(lives(said)).to.equal(false);
    expect(await next.list(), "ports stay").to.have.length(1);
  });

  it("is started again when it dies, and when it died while no agent was there", async () => {
    const first = await plug();
    process.kill(first.pid, "SIGKILL");
    const second = await until(other(first.pid));
    await bench.network.detach(false);
    process.kill(second.pid, "SIGKILL");
    await until(async () => !lives(second));
    await (await bench.restartAgent()).list();
    await until(other(second.pid));
  });

  it("of another version stays as long as it understands, and is replaced when it does not", async () => {
    await mkdir(bench.own, { recursive: true, mode: 0o700 });
    const standIn = join(bench.own, "stand-in.json");
    const release = "9.10.0";
    await writeFile(standIn, JSON.stringify({ release }));
    const said = await plug();
    await (await bench.restartAgent()).apply(at(2), never);
    expect(await bench.said()).to.deep.include({ pid: said.pid, release, version: 2 });
    await writeFile(standIn, JSON.stringify({ release, fault: "It is no state of a switch." }));
    process.kill(said.pid, "SIGKILL");
    const deaf = await until(other(said.pid));
    await writeFile(standIn, JSON.stringify({ release: "0.2.9" }));
    const ignorant = await until(other(deaf.pid));
    await rm(standIn);
    await until(other(ignorant.pid));
  });

  it("that says nothing, since the disk was full, is no reason for a second one, and ends with the last port", async () => {
    const said = await plug();
    process.kill(said.pid, "SIGSTOP");
    await bench.network.detach(false);
    await rm(join(bench.own, "applied.json"));
    const next = await bench.restartAgent();
    const waiting = next.apply(at(2), AbortSignal.timeout(1_000)).catch((error: Error) => error.name);
    expect(await waiting).to.equal("AbortError");
    expect(await bench.said(), "no other one has begun").to.equal(undefined);
    process.kill(said.pid, "SIGCONT");
    await rm(join(bench.own, "applied.json"), { force: true });
    await next.releasePort("port-1", 1, never);
    expect(lives(said)).to.equal(false);
  });

  it("is not waited for any longer than the caller does", async () => {
    const said = await plug();
    process.kill(said.pid, "SIGSTOP");
    const off = AbortSignal.timeout(200);
    const error = await bench.network.apply(at(2), off).catch((one: unknown) => one);
    process.kill(said.pid, "SIGCONT");
    expect(error).to.have.property("name", "AbortError");
    expect(await bench.network.apply(at(1), never), "it was written, and is applied").to.equal(2);
  });

  it("goes on with what it has when its state is damaged, until the next picture", async () => {
    const said = await plug();
    await bench.network.detach(false);
    const state = join(bench.own, "state.json");
    await writeFile(state, "{");
    const next = await bench.restartAgent();
    await next.ensurePort(port(2), never);
    expect(await readFile(state, "utf8")).to.equal("{");
    expect(await next.apply(at(1), never)).to.equal(1);
    expect(JSON.parse(await readFile(state, "utf8")).plugs).to.have.length(2);
    expect(lives(said) || (await until(other(said.pid)))).not.to.equal(undefined);
  });

  it("is never another process that has its number", async () => {
    const said = await plug();
    await bench.network.detach(true);
    const { startTicks = 0 } = livingStat(process.pid) ?? {};
    await writeFile(
      join(bench.own, "applied.json"),
      JSON.stringify({ ...said, pid: process.pid, startTicks }),
    );
    await bench.network.releasePort("port-1", 1, never);
    expect(livingStat(process.pid)?.startTicks).to.equal(startTicks);
  });
});

describe("the files of ports of the network driver user", () => {
  let bench: Awaited<ReturnType<typeof makeBench>>;
  beforeEach(async () => {
    bench = await makeBench();
  });
  afterEach(() => bench.close());

  it("are the guest's user's alone, and another guest's once the port is its", async () => {
    const { path } = await bench.network.ensurePort(port(1), never);
    const directory = join(path, "..");
    const owned = async (instanceId: string) => {
      const { mode, uid } = await stat(directory);
      expect(mode & 0o777).to.equal(0o700);
      expect(uid).to.equal(guestUser(instanceId)?.uid ?? process.getuid?.());
    };
    await owned("instance-1");
    await writeFile(path, "left");
    await bench.network.ensurePort(port(1, { instanceId: "instance-9" }), never);
    await owned("instance-9");
    expect(existsSync(path)).to.equal(false);
  });

  it("keep what the guest's hypervisor has made, when it is asked again", async () => {
    const { path } = await bench.network.ensurePort(port(1), never);
    await writeFile(path, "");
    await bench.network.ensurePort(port(1, { ownerEpoch: 2 }), never);
    expect(existsSync(path)).to.equal(true);
  });

  it("lead nowhere else, whatever a port is called", async () => {
    const error = await bench.network
      .ensurePort(port(1, { portId: "../x" }), never)
      .catch((one: unknown) => one);
    expect(String(error)).to.match(/no token/);
    expect(await bench.network.list()).to.deep.equal([]);
  });

  it("that are damaged close their port, until it is asked for again", async () => {
    await bench.network.ensurePort(port(1), never);
    const record = join(bench.path, "network", "ports", "port-1.json");
    await writeFile(record, "{}");
    await writeFile(`${record}.1-a.tmp`, "");
    const next = await bench.restartAgent();
    expect(await next.list()).to.deep.equal([]);
    await next.ensurePort(port(1), never);
    expect(await next.list()).to.have.length(1);
    expect(JSON.parse(readFileSync(record, "utf8"))).to.include({ instanceId: "instance-1" });
    expect(await readdir(join(bench.path, "network", "ports"))).to.have.length(2);
  });
});

describe("the network driver user on a full disk", function () {
  this.timeout(20_000);
  let disk: SmallFileSystem;
  let bench: Awaited<ReturnType<typeof makeBench>>;
  beforeEach(async function () {
    disk = mountSmall(this, 4);
    bench = await makeBench({ path: disk.path, remove: async () => undefined });
  });
  afterEach(async () => {
    await bench?.close();
    disk?.remove();
  });

  const reasonOf = (asked: Promise<unknown>) => asked.catch((error: { reason?: unknown }) => error.reason);

  it("makes no port and takes no picture, and lets go of what is there", async () => {
    for (const number of [1, 2]) await bench.network.ensurePort(port(number), never);
    await bench.network.apply(at(1), never);
    disk.fill();
    expect(await reasonOf(bench.network.ensurePort(port(3), never))).to.equal("diskFull");
    expect(await reasonOf(bench.network.apply(at(2), never))).to.equal("diskFull");
    await bench.network.ensurePort(port(1), never);
    await bench.network.releasePort("port-1", 1, never);
    expect((await bench.network.list()).map(({ what }) => what)).to.deep.equal(["port port-2"]);
    disk.free();
    expect(await bench.network.apply(at(2), never)).to.equal(2);
    const { plugs } = JSON.parse(await readFile(join(bench.own, "state.json"), "utf8"));
    expect(plugs.map(({ portId }: { portId: string }) => portId)).to.deep.equal(["port-2"]);
  });

  it("lets an interface of a guest go, which is told of no other thing meanwhile", async () => {
    const data = {
      ...{ hostname: "web", availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
      ...{ userData: null, configDrive: false },
    };
    const told = (portIds: readonly string[], hostname = "web") => ({
      ...{ project: "demo", name: "web", portIds, data: { ...data, hostname } },
    });
    const both = told(["port-1", "port-2"]);
    for (const number of [1, 2]) await bench.network.ensurePort(port(number, { told: both }), never);
    disk.fill();
    await bench.network.ensurePort(port(1, { told: told(["port-1"]) }), never);
    expect(await bench.toldTo(port(1))).to.deep.equal(both);
    for (const more of [told(["port-1"], "other"), told(["port-1", "port-3"])])
      expect(await reasonOf(bench.network.ensurePort(port(1, { told: more }), never))).to.equal("diskFull");
    disk.free();
    await bench.network.ensurePort(port(1, { told: told(["port-1"]) }), never);
    expect(await bench.toldTo(port(1))).to.deep.equal(told(["port-1"]));
  });

  it("is said to be the reason where a switch that has begun meanwhile can say nothing", async () => {
    await bench.network.ensurePort(port(1), never);
    await bench.network.apply(at(1), never);
    const said = await bench.said();
    await bench.network.detach(false);
    if (said === undefined) throw new Error("The switch has said nothing.");
    process.kill(said.pid, "SIGKILL");
    while (lives(said)) await new Promise((resolve) => setTimeout(resolve, 5));
    disk.fill();
    // A clock that is ahead: nobody waits for a switch that cannot say anything.
    const hasty = { ...systemClock, monotonicMs: () => 60 * systemClock.monotonicMs() };
    const next = await makeBench({ path: disk.path, remove: async () => undefined }, hasty);
    try {
      expect(await reasonOf(next.network.apply(at(1), never))).to.equal("diskFull");
    } finally {
      disk.free();
      await next.close();
    }
  });
});
