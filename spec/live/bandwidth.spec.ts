/**
 * Bandwidth limits of the driver `bridge` on the real kernel, judged by what arrives and by the time that it
 * took: however slow the computer is, no more may arrive than the burst and what that time has brought. Needs
 * root and nftables; skips loudly elsewhere.
 */
import { expect } from "chai";
import { lookAtTraffic } from "../../nodes/drivers/bridge-network/batches.ts";
import { tapName } from "../../nodes/drivers/bridge-network/device-names.ts";
import { canLimit, Limiter } from "../../nodes/drivers/bridge-network/limiter.ts";
import type { PlannedTap } from "../../nodes/drivers/bridge-network/plan.ts";
import { trafficOf } from "../../nodes/drivers/bridge-network/port-traffic.ts";
import type { Bandwidth } from "../../protocol/port.ts";
import { missingForFabrics, ScratchFabric } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
/** So low that a computer that takes forty seconds for the datagrams has to drop some. */
const limit = { kilobitsPerSecond: 2_000, burstKilobits: 1_200 };
/** The kernel saves up a second beside the burst. */
const burstBytes = 150_000 + 250_000;
const datagramBytes = 1_400;
const datagrams = 8_000;

/** Says how many bytes have come, whenever it is asked. */
const counts = `let bytes = 0;
const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (one) => { bytes += one.length; });
socket.bind(5000, () => console.log("listening"));
process.stdin.on("data", () => console.log("bytes " + bytes));`;

const floods = `const socket = require("node:dgram").createSocket("udp4");
const one = Buffer.alloc(${datagramBytes});
const next = (left) => left === 0 ? console.log("done") : socket.send(one, 5000, "10.9.0.2", () => next(left - 1));
next(${datagrams});`;

describe("bandwidth limits of the kernel's taps", function () {
  this.timeout(60_000);
  let fabric: ScratchFabric;
  let limiter: Limiter;
  let hosts: Awaited<ReturnType<ScratchFabric["plugHost"]>>[];
  const ports = ["01890000-0000-7000-8000-00000000a001", "01890000-0000-7000-8000-00000000a002"] as const;
  const tapOf = (at: 0 | 1, bandwidth?: Bandwidth): PlannedTap => ({
    ...{ name: tapName(ports[at]), portId: ports[at], mtuBytes: 1_500, bridge: null },
    ...(bandwidth === undefined ? {} : { bandwidth }),
  });

  before(async function () {
    const missing = missingForFabrics() ?? ((await canLimit()) ? undefined : "the kernel keeps no limits");
    if (missing !== undefined) return skip(this, missing);
    fabric = await ScratchFabric.make();
    await fabric.makeBridge("network-1");
    hosts = [];
    for (const [at, id] of ports.entries()) {
      const guest = { mac: `52:54:00:00:09:0${at + 1}`, addresses: [`10.9.0.${at + 1}/24`] };
      hosts.push(await fabric.plugHost(id, "network-1", guest));
    }
    limiter = new Limiter(fabric);
  });
  after(() => fabric?.close());

  const line = (child: ReturnType<(typeof hosts)[number]["node"]>) =>
    new Promise<string>((resolve) => child.stdout?.once("data", (text: Buffer) => resolve(`${text}`)));

  /** Bytes that have arrived, and those that the time would have let pass, with their headers. */
  const flood = async () => {
    const [from, to] = hosts;
    if (from === undefined || to === undefined) throw new Error("There are two.");
    const counting = to.node(counts);
    await line(counting);
    const beganMs = performance.now();
    const flooding = from.node(floods);
    await line(flooding);
    const said = line(counting);
    counting.stdin?.write("\n");
    const bytes = Number((await said).split(" ")[1]);
    const tookMs = performance.now() - beganMs;
    counting.kill();
    flooding.kill();
    return { bytes, most: burstBytes + (tookMs * limit.kilobitsPerSecond) / 8 };
  };

  it("let through what a guest sends and receives as they say, and count what they drop", async () => {
    const limits = [
      [tapOf(0, { egress: limit, ingress: null }), tapOf(1)],
      [tapOf(0), tapOf(1, { ingress: limit, egress: null })],
    ];
    for (const taps of limits) {
      await limiter.settle(taps, never);
      const { bytes, most } = await flood();
      expect(bytes).to.be.within(burstBytes / 2, most);
      const [seen] = await limiter.look();
      expect(seen?.dropped).to.be.greaterThan(0);
    }
  });

  it("go on with what they have counted when they are changed, and are the counters of the port", async () => {
    await limiter.settle([tapOf(0, { egress: limit, ingress: null })], never);
    await flood();
    const [before] = await limiter.look();
    expect(before?.dropped).to.be.greaterThan(0);
    const other = { ...limit, kilobitsPerSecond: 4_000 };
    await limiter.settle([tapOf(0, { egress: other, ingress: null })], never);
    const limits = await limiter.counted();
    expect(limits[0]?.bytesPerSecond).to.equal(500_000);
    expect(limits[0]?.dropped).to.be.at.least(before?.dropped ?? Number.NaN);
    const traffic = trafficOf(ports[0], { taps: await lookAtTraffic(fabric), limits });
    expect(traffic?.egress.dropped.limit).to.equal(limits[0]?.dropped);
    expect(traffic?.egress.packets).to.be.at.least(limits[0]?.dropped ?? Number.NaN);
    expect(traffic?.ingress.dropped.limit).to.equal(null);
  });

  it("are changed, taken away, and made again when somebody else took them away", async () => {
    const wanted = [tapOf(0, { egress: limit, ingress: limit })];
    const hooks = async () => (await limiter.look()).map(({ hook }) => hook).sort();
    await limiter.settle(wanted, never);
    expect(await hooks()).to.deep.equal(["egress", "ingress"]);
    await limiter.settle([tapOf(0, { egress: null, ingress: limit })], never);
    expect(await hooks()).to.deep.equal(["egress"]);
    await fabric.told("nft", ["delete", "table", "netdev", "nvlimits"]);
    await limiter.settle(wanted, never);
    expect(await hooks()).to.deep.equal(["egress", "ingress"]);
    await limiter.settle([tapOf(0), tapOf(1)], never);
    expect(await hooks()).to.deep.equal([]);
  });

  it("are of taps that are there, and of no others", async () => {
    const away = { ...tapOf(0, { egress: limit, ingress: null }), name: "nvt00000000dead" };
    await limiter.settle([away], never);
    expect(await limiter.look()).to.deep.equal([]);
    await limiter.settle([away, tapOf(1, { egress: limit, ingress: null })], never);
    expect((await limiter.look()).map(({ tap }) => tap)).to.deep.equal([tapName(ports[1])]);
  });
});
