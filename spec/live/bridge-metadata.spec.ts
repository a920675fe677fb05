/**
 * What guests of the driver `bridge` read of themselves from their host, in a real kernel: guests with
 * Linux's own network, two of them with the same address in networks of the same addresses, and the
 * responder's process. Needs root, nft, conntrack and QEMU.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { ToldGuest } from "../../actors/ports/network.ts";
import { bridgeMac } from "../../nodes/drivers/bridge-network/device-names.ts";
import type { PacketFilter } from "../../nodes/drivers/bridge-network/filter.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { PortFiles } from "../../nodes/drivers/user-network/port-files.ts";
import { metadataLimits } from "../../nodes/metadata/limits.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { readResponderProcess, responderFiles } from "../../nodes/responder/state.ts";
import type { HostNetworking, PortPicture } from "../../protocol/networking.ts";
import { temporaryDirectory } from "../support/driver-world.ts";
import { Lines } from "../support/guest-programs.ts";
import { missingForFabrics, ScratchFabric } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as world from "../support/switch-world.ts";

const at = (number: number, network = 1): world.Guest => ({ network, number });
const [mine, twin, open, fixed, late] = [at(7), at(7, 2), at(8), at(9), at(10)];
const all = [mine, twin, open, fixed, late];
const never = new AbortController().signal;
const first = (guest: world.Guest): world.Guest => ({ ...guest, network: 1 });
const nameOf = (guest: world.Guest): string => `guest-${guest.network}-${guest.number}`;
const secretOf = (guest: world.Guest): string => `secret of ${nameOf(guest)}`;

const toldOf = (guest: world.Guest): ToldGuest => ({
  ...{ project: "demo", name: nameOf(guest), portIds: [world.portIdOf(guest)] },
  data: {
    ...{ hostname: nameOf(guest), availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
    ...{ userData: Buffer.from(secretOf(guest)).toString("base64"), configDrive: false },
  },
});

/** Asks once, and says the status and the body, or that nobody has answered. */
const asks = `
  const [, path, method, local] = process.argv;
  const request = require("node:http").request({
    host: "169.254.169.254", path, method, agent: false, timeout: 4000,
    ...(local ? { localAddress: local } : {}),
  }, (response) => {
    let body = "";
    response.setEncoding("latin1").on("data", (text) => (body += text));
    response.on("end", () => console.log(response.statusCode + " " + body));
  });
  request.on("timeout", () => request.destroy(new Error("silent")));
  request.on("error", (error) => console.log("none " + error.message));
  request.end();
`;

/** Sends a request, and its end at once. */
const endsEarly = `
  const socket = require("node:net").connect({ port: 80, host: "169.254.169.254", allowHalfOpen: true });
  socket.end("GET /latest/user-data HTTP/1.0\\r\\n\\r\\n");
  socket.on("data", (bytes) => process.stdout.write(bytes));
`;

/** Holds as many connections as it gets, each with the beginning of a request. */
const floods = (count: number) => `
  const net = require("node:net");
  let ended = 0;
  for (let index = 0; index < ${count}; index += 1) {
    const socket = net.connect(80, "169.254.169.254", () => socket.write("GET / HTTP/1.1\\r\\nX: "));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => (ended += 1) === ${count} / 2 && console.log("half have ended"));
  }
  console.log("flooding");
`;

describe("guests of the kernel's bridge, who ask their host who they are", function () {
  this.timeout(60_000);
  let fabric: ScratchFabric;
  let filter: PacketFilter;
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  let files: PortFiles;
  const hosts = new Map<world.Guest, Awaited<ReturnType<ScratchFabric["plugHost"]>>>();
  const ports = all.map((guest) => ({
    ...world.plugOf(guest),
    ...{ mac: world.macOf(first(guest)), ownerEpoch: 1, hostName: nameOf(guest) },
  }));

  const given = new Map<world.Guest, Partial<PortPicture>>([
    [open, { portSecurity: false }],
    [fixed, { addresses: [{ subnetId: "subnet-fixed", address: world.ip4Of(fixed) }] }],
  ]);
  const pictureOf = (guests: readonly world.Guest[]): HostNetworking => {
    const picture = world.twinPicture(guests, world.sendAll);
    for (const network of picture.networks) {
      const [subnet] = network.subnets;
      if (subnet !== undefined) network.subnets.push({ ...subnet, id: "subnet-fixed", dhcp: false });
      for (const port of network.ports)
        for (const [guest, change] of given)
          if (world.portIdOf(guest) === port.id) Object.assign(port, change);
    }
    return picture;
  };
  const apply = async (guests: readonly world.Guest[]): Promise<void> => {
    const toldPath = (portId: string) => files.toldOf(portId);
    await fabric.routes(
      await filter.apply({ networking: pictureOf(guests), ports, toldPath }, fabric, never),
    );
  };
  const tell = (guest: world.Guest, told = toldOf(guest)) => {
    const { portId, networkId, instanceId, mac, mtuBytes, hostName } = world.plugOf(guest);
    return files.tell({ portId, networkId, instanceId, mac, mtuBytes, hostName, ownerEpoch: 1, told });
  };
  const ask = async (guest: world.Guest, path: string, method = "GET", local = ""): Promise<string> => {
    const host = hosts.get(guest);
    if (host === undefined) throw new Error("It is not plugged in.");
    const said = await host.run(process.execPath, ["-e", asks, path, method, local]);
    return said.output.trimEnd();
  };
  /** The process may just begin. */
  const answered = async (guest: world.Guest, path: string): Promise<string> => {
    for (;;) {
      const said = await ask(guest, path);
      if (!said.startsWith("none")) return said;
    }
  };
  const until = async (met: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  before(async function () {
    const missing = missingForFabrics();
    if (missing !== undefined) return skip(this, missing);
    place = await temporaryDirectory();
    files = new PortFiles(place.path, silentLog);
    fabric = await ScratchFabric.make();
    filter = packetFilter({ clock: systemClock, log: silentLog });
    await filter.apply({ networking: null, ports: [] }, fabric, never);
    for (const number of [1, 2]) await fabric.makeBridge(`network-${number}`);
    for (const guest of all) {
      const mac = world.macOf(first(guest));
      const addresses = [`${world.ip4Of(first(guest))}/24`];
      const host = await fabric.plugHost(world.portIdOf(guest), `network-${guest.network}`, {
        mac,
        addresses,
      });
      hosts.set(guest, host);
      // As option 121 of DHCP says, and as a bridge that knows its service address answers.
      const lladdr = bridgeMac(`network-${guest.network}`);
      await host.run("ip", ["route", "add", "169.254.169.254/32", "dev", "eth0"]);
      await host.run("ip", ["neigh", "add", "169.254.169.254", "lladdr", lladdr, "dev", "eth0"]);
    }
    for (const guest of all) await tell(guest);
    await apply(all.filter((guest) => guest !== late));
  });
  after(async () => {
    await filter?.detach(false);
    await fabric?.close();
    await place?.remove();
  });

  it("read their own documents, also where two networks have the same addresses", async () => {
    for (const guest of [mine, twin, open]) {
      expect(await answered(guest, "/latest/user-data")).to.equal(`200 ${secretOf(guest)}`);
      expect(await answered(guest, "/openstack/latest/user_data")).to.equal(`200 ${secretOf(guest)}`);
      expect(await answered(guest, "/2009-04-04/meta-data/hostname")).to.equal(`200 ${nameOf(guest)}`);
      expect(await answered(guest, "/openstack/latest/meta_data.json")).to.include(
        `"uuid": "${world.plugOf(guest).instanceId}"`,
      );
    }
  });

  it("are answered where DHCP tells them nothing, and are told what they have to set", async () => {
    expect(await answered(fixed, "/latest/meta-data/hostname")).to.equal(`200 ${nameOf(fixed)}`);
    const said = (await answered(fixed, "/openstack/latest/network_data.json")).replace("200 ", "");
    expect(JSON.parse(said).networks[0]).to.include({ type: "ipv4", ip_address: world.ip4Of(fixed) });
  });

  it("read nobody else's, whatever address they take", async () => {
    const neighbour = world.ip4Of(mine);
    await hosts.get(open)?.run("ip", ["addr", "add", `${neighbour}/32`, "dev", "eth0"]);
    const said = await ask(open, "/latest/user-data", "GET", neighbour);
    expect(said).to.not.include(secretOf(mine));
    await hosts.get(open)?.run("ip", ["addr", "del", `${neighbour}/32`, "dev", "eth0"]);
    await hosts.get(fixed)?.run("ip", ["addr", "add", `${neighbour}/32`, "dev", "eth0"]);
    expect(await ask(fixed, "/latest/user-data", "GET", neighbour)).to.match(/^none /);
    await hosts.get(fixed)?.run("ip", ["addr", "del", `${neighbour}/32`, "dev", "eth0"]);
    expect(await answered(mine, "/latest/user-data")).to.equal(`200 ${secretOf(mine)}`);
  });

  it("hear nothing before they are in the picture, and everything at once from then on", async () => {
    expect(await ask(late, "/latest/user-data")).to.match(/^none /);
    await apply(all);
    expect(await answered(late, "/latest/user-data")).to.equal(`200 ${secretOf(late)}`);
    await apply(all.filter((guest) => guest !== late));
    expect(await ask(late, "/latest/user-data")).to.match(/^none /);
  });

  it("are told of a change at once, and of nothing that was forgotten, or is another life's", async () => {
    const changed = toldOf(mine);
    await tell(mine, { ...changed, data: { ...changed.data, hostname: "renamed" } });
    expect(await answered(mine, "/latest/meta-data/hostname")).to.equal("200 renamed");
    await rm(files.toldOf(world.portIdOf(mine)));
    expect(await answered(mine, "/latest/user-data")).to.match(/^404 /);
    const { portId, networkId, mac, mtuBytes, hostName } = world.plugOf(mine);
    const other = { portId, networkId, instanceId: "another", mac, mtuBytes, hostName, ownerEpoch: 1 };
    await files.tell({ ...other, told: toldOf(mine) });
    expect(await answered(mine, "/latest/user-data")).to.match(/^404 /);
    await tell(mine);
    expect(await answered(mine, "/latest/user-data")).to.equal(`200 ${secretOf(mine)}`);
  });

  it("are answered when they end their own side with the question", async () => {
    for (let times = 0; times < 10; times += 1) {
      const said = await hosts.get(mine)?.run(process.execPath, ["-e", endsEarly]);
      expect(said?.output.endsWith(secretOf(mine))).to.equal(true);
    }
  });

  it("may only read", async () => {
    expect(await ask(mine, "/latest/api/token", "PUT")).to.match(/^405 /);
    expect(await ask(mine, "/latest/user-data", "HEAD")).to.equal("200");
    expect(await ask(mine, "/latest/../../etc/passwd")).to.match(/^404 /);
  });

  it("keep nobody else out by a flood of connections, nor themselves afterwards", async () => {
    const count = 8 * metadataLimits.metadataConnectionsPerPortMax;
    const flood = hosts.get(open)?.node(floods(count));
    if (flood === undefined) throw new Error("It is there.");
    const said = new Lines(flood);
    await said.next("flooding");
    expect(await answered(mine, "/latest/user-data")).to.equal(`200 ${secretOf(mine)}`);
    await said.next("half have ended");
    const list = ["-Htn", "state", "established", "sport", "= :80"];
    const { output } = await fabric.run("ss", list, { timeoutMs: 5_000 });
    expect(output.trim().split("\n").length).to.be.at.most(metadataLimits.metadataConnectionsPerPortMax + 2);
    flood.kill("SIGKILL");
    expect(await answered(open, "/latest/user-data")).to.equal(`200 ${secretOf(open)}`);
  });

  it("are in no log with what they are told or ask", async () => {
    await ask(mine, "/latest/looking-for-something");
    const log = await readFile(join(fabric.directory, responderFiles.log), "utf8");
    expect(log).to.not.match(/secret of|looking-for/);
    const state = await readFile(join(fabric.directory, responderFiles.state), "utf8");
    expect(state).to.not.include(Buffer.from(secretOf(mine)).toString("base64"));
  });

  it("are said to be unanswered as long as another program has the place", async () => {
    const said = () => readResponderProcess(join(fabric.directory, responderFiles.process));
    expect(filter.unanswered?.()).to.equal(undefined);
    const before = await said();
    if (before === undefined) throw new Error("There is a responder.");
    const squatter = fabric.node(`
      const server = require("node:net").createServer((socket) => socket.destroy());
      const listen = () => server.listen(80, "169.254.169.254", () => console.log("listening"));
      server.on("error", () => setTimeout(listen, 1));
      listen();
      console.log("trying");
    `);
    const squatting = new Lines(squatter);
    await squatting.next("trying");
    process.kill(before.pid, "SIGKILL");
    await squatting.next("listening");
    await until(() => filter.unanswered?.()?.startsWith("metadata: ") === true);
    squatter.kill("SIGKILL");
    await until(() => filter.unanswered?.() === undefined);
    expect(await answered(mine, "/latest/user-data")).to.equal(`200 ${secretOf(mine)}`);
  });
});
