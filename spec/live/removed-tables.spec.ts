/**
 * Somebody removes the tables that keep packets back, on a host of the driver `bridge` whose agent lives: by
 * the real kernel, with a card that floods a closed port meanwhile, and a tunnel's table on another
 * namespace that stands for the computer's own. Needs root, nft, conntrack and QEMU (which only holds taps).
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
import { until } from "../support/asking.ts";
import { makeTwoComputers, missingForBridges, openBridge } from "../support/bridge-host.ts";
import { FakeNic } from "../support/fake-nic.ts";
import { sealed } from "../support/forged-frames.ts";
import * as frames from "../support/frames.ts";
import { missingForFabrics } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as world from "../support/switch-world.ts";

const never = new AbortController().signal;
const timeoutMs = 10_000;
const at = (number: number): world.Guest => ({ network: 1, number });
const [caller, called, away] = [at(7), at(8), at(9)];
const [openPort, closedPort] = [5_999, 5_001];
const rules = [
  ...world.sendAll,
  ...(["ingress", "egress"] as const).map((direction) =>
    world.rule({ direction, protocol: 17, portMin: openPort, portMax: openPort }),
  ),
];
const udpFrame = (port: number, text: string) =>
  sealed(frames.ip4Frame(world.ends4(caller, called), 17, frames.udp(4_000, port, Buffer.from(text))));

describe("tables that somebody removes", function () {
  this.timeout(60_000);
  const directory = mkdtempSync(join(tmpdir(), "novact-removed-"));
  let computers: Awaited<ReturnType<typeof makeTwoComputers>>;
  let host: ReturnType<typeof openBridge>;
  const hypervisors: ChildProcess[] = [];
  const cards: FakeNic[] = [];
  let marks = 0;

  const plug = async (guest: world.Guest): Promise<FakeNic> => {
    const { path: _path, ...port } = world.plugOf(guest);
    const device = await host.network.ensurePort({ ...port, ownerEpoch: 1 }, never);
    if (device.kind !== "tap") throw new Error("It is no tap.");
    const path = join(directory, `${port.portId}.socket`);
    const card = await FakeNic.listen(path);
    hypervisors.push(openWith(device, path));
    cards.push(card);
    await card.until(() => card.isConnected);
    await host.network.plugged(port.portId, never);
    return card;
  };
  const [from, to] = [() => cards[0] ?? expect.fail("no card"), () => cards[1] ?? expect.fail("no card")];
  /** How many of a few forbidden frames arrive, by a mark that is sent behind them and allowed. */
  const passing = async () => {
    marks += 1;
    const mark = `mark-${marks}.`;
    to().received.length = 0;
    from().send(udpFrame(closedPort, "flood"), udpFrame(closedPort, "flood"), udpFrame(openPort, mark));
    await to().frame((frame) => frame.includes(mark));
    return to().received.filter((frame) => frame.includes("flood")).length;
  };
  const tablesOf = async (run: (argv: readonly string[]) => Promise<string>) =>
    (await run(["list", "tables"])).split("\n").filter(Boolean);
  const inFabric = async (argv: readonly string[]) =>
    (await host.fabric.run("nft", argv, { timeoutMs })).output;
  const inComputer = async (argv: readonly string[]) => {
    const path = computers.computers[0]?.outside;
    return spawnSync("nsenter", [`--net=${path}`, "nft", ...argv], { encoding: "utf8" }).stdout;
  };

  before(async function () {
    const missing = missingForFabrics() ?? missingForBridges();
    if (missing !== undefined) return skip(this, missing);
    // Guests' users pass through it.
    chmodSync(directory, 0o711);
    computers = await makeTwoComputers();
    const [computer, other] = computers.computers;
    if (computer === undefined || other === undefined) throw new Error("There are two.");
    const filter = packetFilter({ clock: systemClock, log: silentLog });
    host = openBridge({ stateDirectory: join(directory, "host"), ...computer, filter });
    const groups = [{ ...world.defaultGroup([caller, called, away]), rules }];
    const picture = world.pictureOf([caller, called], { groups });
    const told = { ...picture, version: 1, far: [world.farOf(other.underlay, [away])] };
    for (const guest of [caller, called]) await plug(guest);
    await host.network.apply(told, never);
    // A compare begins to listen where there are tunnels.
    await host.network.apply(told, never);
  });
  after(async () => {
    for (const one of hypervisors) await killed(one);
    for (const card of cards) await card.close();
    await host?.network.detach(true);
    await computers?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("keep a closed port closed while they are there", async () => {
    expect(await passing()).to.equal(0);
  });

  for (const script of [
    ["delete", "table", "bridge", "nv"],
    ["flush", "ruleset"],
  ])
    it(`are there again at once after ${script.join(" ")}, under a flood`, async () => {
      let isOver = false;
      const arrivedAtMs: number[] = [];
      const flood = (async () => {
        const some = Array.from({ length: 20 }, () => udpFrame(closedPort, "flood"));
        while (!isOver) {
          if (from().unsentBytes < 65_536) from().send(...some);
          to()
            .received.splice(0)
            .forEach((frame) => {
              if (frame.includes("flood")) arrivedAtMs.push(performance.now());
            });
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      let [atMs, backMs] = [0, 0];
      try {
        const before = await tablesOf(inFabric);
        atMs = performance.now();
        await inFabric(script);
        // What it passes is measured, and judged by nobody: a busy computer may take long.
        await until(
          async () => (await inFabric(["list", "map", "bridge", "nv", "entry"])) !== "",
          (isThere) => isThere,
        );
        backMs = performance.now() - atMs;
        await until(
          () => tablesOf(inFabric),
          (tables) => tables.sort().join() === before.sort().join(),
        );
      } finally {
        isOver = true;
        await flood;
      }
      const last = arrivedAtMs.at(-1);
      const openMs = last === undefined ? 0 : Math.round(last - atMs);
      console.log(
        `      ${arrivedAtMs.length} frames in ${openMs} ms; all rules after ${Math.round(backMs)} ms`,
      );
      expect(await passing()).to.equal(0);
    });

  it("are there again where tunnels come in", async () => {
    const before = await tablesOf(inComputer);
    expect(before.join()).to.include("nvtunnels_");
    spawnSync("nsenter", [`--net=${computers.computers[0]?.outside}`, "nft", "flush", "ruleset"]);
    await until(
      () => tablesOf(inComputer),
      (tables) => tables.join() === before.join(),
    );
    const [table = ""] = before;
    expect(await inComputer(["list", "set", ...table.split(" ").slice(1), "senders"])).to.include("elements");
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
