/**
 * The switch's own TCP and Linux's: guests with Linux's network, each in a namespace of its own, whose frames
 * go to the switch's real process by a tap and QEMU. Two of them have the same address, in networks of the
 * same addresses. Needs root and QEMU.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { expect } from "chai";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import { runTool } from "../../nodes/drivers/tool.ts";
import type { ToldFile } from "../../nodes/metadata/told-file.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { Lines } from "../support/guest-programs.ts";
import { missingForFabrics } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { SwitchBench } from "../support/switch-process.ts";
import * as world from "../support/switch-world.ts";

const [mine, twin, open] = [
  { network: 1, number: 7 },
  { network: 2, number: 7 },
  { network: 1, number: 8 },
];
const all: readonly world.Guest[] = [mine, twin, open];
const first = (guest: world.Guest): world.Guest => ({ ...guest, network: 1 });
const nameOf = (guest: world.Guest): string => `guest-${guest.network}-${guest.number}`;
/** As much as there can be. */
const userDataOf = (guest: world.Guest): Buffer => Buffer.alloc(49_149, `${nameOf(guest)} `);

const toldTo = (guest: world.Guest): ToldFile => ({
  ...{ instanceId: world.plugOf(guest).instanceId, project: "demo", name: nameOf(guest) },
  data: {
    ...{ hostname: nameOf(guest), availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
    ...{ userData: userDataOf(guest).toString("base64"), configDrive: false },
  },
  portIds: [world.portIdOf(guest)],
});

/** Asks so many times at once, and says for each the status and the hash of the body. */
const asks = `
  const [, path, count, local] = process.argv;
  for (let index = 0; index < Number(count); index += 1) {
    const request = require("node:http").request({
      host: "169.254.169.254", path, agent: false, timeout: 4000, ...(local ? { localAddress: local } : {}),
    }, (response) => {
      const hash = require("node:crypto").createHash("sha256");
      response.on("data", (bytes) => hash.update(bytes));
      response.on("end", () => console.log(response.statusCode + " " + hash.digest("hex")));
      response.on("error", (error) => console.log("none " + error.message));
    });
    request.on("timeout", () => request.destroy(new Error("silent")));
    request.on("error", (error) => console.log("none " + error.message));
    request.end();
  }
`;

/** Begins connections again and again, and says nothing in any of them. */
const floods = `
  let count = 0;
  const begin = () => {
    const socket = require("node:net").connect(80, "169.254.169.254", () => {
      count += 1;
      if (count === 200) console.log("flooding");
    });
    socket.on("error", () => undefined);
    socket.on("close", begin);
  };
  for (let index = 0; index < 50; index += 1) begin();
`;

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface LinuxGuest {
  readonly namespace: FileHandle;
  readonly emulator: ChildProcess;
}

const pathOf = ({ fd }: FileHandle): string => `/proc/${process.pid}/fd/${fd}`;

async function tellIp(namespace: FileHandle, lines: readonly string[]): Promise<void> {
  const options = { timeoutMs: 10_000, input: lines.map((line) => `${line}\n`).join(""), endsInput: true };
  const said = await runTool("nsenter", [`--net=${pathOf(namespace)}`, "ip", "-batch", "-"], options);
  if (said.exitCode !== 0) throw new Error(said.errors);
}

/** QEMU 7.2 dies by a frame that comes from a hub to a stream of which nobody has the other end (tried). */
const openCard = ({ namespace }: LinuxGuest, guest: world.Guest): Promise<void> =>
  tellIp(namespace, [
    "link set dev eth0 up",
    `addr add ${world.ip4Of(first(guest))}/24 dev eth0`,
    "route add 169.254.169.254/32 dev eth0",
  ]);

/** The tap's own end is the guest's card; QEMU carries its frames to the socket that the switch looks for. */
async function plugIn(guest: world.Guest, socket: string): Promise<LinuxGuest> {
  const namespace = await makeNamespace(systemClock);
  const lines = [
    "link set lo up",
    "tuntap add dev eth0 mode tap",
    `link set dev eth0 mtu 1400 address ${world.macOf(first(guest))}`,
  ];
  await tellIp(namespace, lines);
  const enter = [`--net=${pathOf(namespace)}`];
  const argv = [
    ...["-machine", "none", "-nodefaults", "-display", "none"],
    ...["-netdev", "tap,id=t,ifname=eth0,script=no,downscript=no,vnet_hdr=off"],
    ...["-netdev", `stream,id=s,server=on,addr.type=unix,addr.path=${socket}`],
    ...["-netdev", "hubport,id=a,hubid=0,netdev=t", "-netdev", "hubport,id=b,hubid=0,netdev=s"],
  ];
  const emulator = spawn("nsenter", [...enter, "qemu-system-x86_64", ...argv], { stdio: "ignore" });
  return { namespace, emulator };
}

describe("the switch, which tells guests with Linux's network who they are", function () {
  this.timeout(60_000);
  let bench: SwitchBench;
  const guests = new Map<world.Guest, LinuxGuest>();
  const started: ChildProcess[] = [];

  before(async function () {
    const missing = missingForFabrics();
    if (missing !== undefined) return skip(this, missing);
    bench = new SwitchBench();
    bench.start();
    const picture = world.twinPicture(all, world.sendAll);
    for (const port of picture.networks.flatMap(({ ports }) => ports))
      if (port.id === world.portIdOf(open)) port.portSecurity = false;
    for (const guest of all) {
      writeFileSync(bench.toldPath(guest), JSON.stringify(toldTo(guest)));
      guests.set(guest, await plugIn(guest, world.plugOf(guest, bench.directory).path));
    }
    const macs = new Map(all.map((guest) => [guest, world.macOf(first(guest))]));
    await bench.applyPlugs(all, picture, (guest) => ({ mac: macs.get(guest) ?? "" }));
    await bench.until(({ plugs }) => plugs === all.length);
    for (const [guest, plugged] of guests) await openCard(plugged, guest);
  });
  after(async () => {
    for (const child of started) child.kill("SIGKILL");
    for (const { emulator, namespace } of guests.values()) {
      emulator.kill("SIGKILL");
      await namespace.close();
    }
    await bench?.close();
  });

  const inside = (guest: world.Guest): readonly string[] => {
    const found = guests.get(guest);
    if (found === undefined) throw new Error("It is not plugged in.");
    return [`--net=${pathOf(found.namespace)}`];
  };
  const ask = async (guest: world.Guest, path: string, count = 1, local = ""): Promise<readonly string[]> => {
    const argv = [...inside(guest), process.execPath, "-e", asks, path, `${count}`, local];
    const { output } = await runTool("nsenter", argv, { timeoutMs: 20_000 });
    return output.trimEnd().split("\n");
  };
  const itself = (guest: world.Guest): string => `200 ${hashOf(userDataOf(guest))}`;

  it("tells each its own, however much that is, also where two have the same address", async () => {
    for (const guest of all) {
      expect(await ask(guest, "/openstack/latest/user_data")).to.deep.equal([itself(guest)]);
      expect(await ask(guest, "/latest/meta-data/hostname")).to.deep.equal([
        `200 ${hashOf(Buffer.from(nameOf(guest)))}`,
      ]);
    }
  });

  it("tells several things at once", async () => {
    const answers = await Promise.all(all.map((guest) => ask(guest, "/latest/user-data", 6)));
    expect(answers).to.deep.equal(all.map((guest) => Array.from({ length: 6 }, () => itself(guest))));
  });

  it("tells nobody what is another's, whatever address it takes", async () => {
    for (const [guest, expected] of [
      [open, itself(open)],
      [twin, undefined],
    ] as const) {
      const taken = guest === open ? world.ip4Of(mine) : "10.0.1.99";
      spawnSync("nsenter", [...inside(guest), "ip", "addr", "add", `${taken}/32`, "dev", "eth0"]);
      const [said = ""] = await ask(guest, "/latest/user-data", 1, taken);
      if (expected === undefined) expect(said).to.match(/^none /);
      else expect(said).to.equal(expected);
    }
  });

  it("goes on telling others while one floods it", async () => {
    const argv = [...inside(open), process.execPath, "-e", floods];
    const flood = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
    started.push(flood);
    await new Lines(flood).next("flooding");
    for (const _ of ["once", "twice"])
      expect(await ask(mine, "/latest/user-data", 4)).to.deep.equal(
        Array.from({ length: 4 }, () => itself(mine)),
      );
    flood.kill("SIGKILL");
    expect(await ask(open, "/latest/user-data")).to.deep.equal([itself(open)]);
    expect(bench.log).to.not.match(/guest-1-7|fault/);
  });
});
