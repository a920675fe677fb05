/**
 * Whom tunnels believe on an underlay of IPv6, when packets come in fragments: with the real rules in a
 * kernel, a real tunnel behind them, and a card of which this spec is the other computers. Needs root,
 * nft and QEMU (which only holds the card's tap).
 */
import { expect } from "chai";
import { bridgeMac, bridgeName } from "../../nodes/drivers/bridge-network/device-names.ts";
import { planOf } from "../../nodes/drivers/bridge-network/plan.ts";
import { tunnelTable } from "../../nodes/drivers/bridge-network/tunnel-senders.ts";
import { writeVxlan } from "../../nodes/switch/frames/vxlan.ts";
import { until } from "../support/asking.ts";
import { far, ids, macOf, networkPicture, portPicture, portRecord } from "../support/fabric-pictures.ts";
import type { FakeNic } from "../support/fake-nic.ts";
import { fragments6 } from "../support/fragments.ts";
import * as frames from "../support/frames.ts";
import { missingForFabrics, ScratchFabric } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";

const [own, peer, stranger] = ["fd00::1", "fd00::2", "fd00::9"] as const;
const cable = ids.network(9);
const number = 77;
const guestFrame = (length: number) =>
  frames.ethernet({ sourceMac: macOf(7), destinationMac: macOf(1) }, 0x88b5, Buffer.alloc(length));
/** The tunnel counts what is behind the header of Ethernet. */
const [innerBytes, markBytes] = [100, 1_000];
const [inner, mark] = [guestFrame(innerBytes), guestFrame(markBytes)];

const from = (source: string): frames.Ends => ({
  ...{ sourceMac: "02:00:00:00:00:09", destinationMac: bridgeMac(cable) },
  ...{ source, destination: own },
});
const datagram = (frame: Buffer, port = 4_789) => frames.udp(4_000, port, writeVxlan(number, frame));
/** An option of nothing, before the header of UDP. */
const options = Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]);

describe("whom a tunnel believes on an underlay of IPv6", function () {
  this.timeout(30_000);
  let fabric: ScratchFabric;
  let card: FakeNic;
  let id = 0;

  const counted = async (): Promise<number> => {
    const [link] = JSON.parse(await fabric.told("ip", ["-s", "-j", "link", "show", "dev", "tunnel"]));
    return link.stats64.rx.bytes;
  };
  /** Bytes of guests that come out of the tunnel, beside those of a mark that is always believed. */
  const passing = async (...sent: readonly Buffer[]) => {
    const before = await counted();
    card.send(...sent, frames.ip6Frame(from(peer), 17, datagram(mark)));
    const after = await until(counted, (bytes) => bytes - before >= markBytes);
    return after - before - markBytes;
  };
  const inTwo = (source: string, cut: number, given: { first?: Buffer; port?: number } = {}) => {
    id += 1;
    const { first = Buffer.alloc(0), port } = given;
    const whole = Buffer.concat([first, datagram(inner, port)]);
    return fragments6(from(source), { next: first.length > 0 ? 60 : 17, whole, cut, id });
  };

  before(async function () {
    const missing = missingForFabrics();
    if (missing !== undefined) return skip(this, missing);
    fabric = await ScratchFabric.make();
    await fabric.makeBridge(cable);
    card = await fabric.plugCard(ids.port(9), cable);
    const on = bridgeName(cable);
    await fabric.ip([
      `link set dev ${on} type bridge nf_call_iptables 0 nf_call_ip6tables 0`,
      `addr add ${own}/64 dev ${on} nodad`,
      `link add name tunnel type vxlan id ${number} local ${own} dstport 4789 nolearning udp6zerocsumrx`,
      "link set dev tunnel addrgenmode none up",
    ]);
  });
  after(() => fabric?.close());

  it("is everybody, without rules, also in fragments that show nothing", async () => {
    expect(await passing(frames.ip6Frame(from(stranger), 17, datagram(inner)))).to.equal(innerBytes);
    for (const cut of [8, 16, 32]) expect(await passing(...inTwo(stranger, cut))).to.equal(innerBytes);
    expect(await passing(...inTwo(stranger, 16, { first: options }))).to.equal(innerBytes);
  });

  it("is no stranger, whatever the first fragment shows", async () => {
    const networking = { version: 1, groups: [], networks: [networkPicture([portPicture(1)])] };
    const away = { ...networking, far: [far(1, peer, [7])] };
    const plan = planOf({ networking: away, ports: [portRecord(1)], services: [], underlay: own });
    await fabric.told("nft", ["-f", "-"], tunnelTable("guard", plan));
    expect(await passing(frames.ip6Frame(from(stranger), 17, datagram(inner)))).to.equal(0);
    for (const cut of [8, 16, 24, 32, 64]) {
      expect(await passing(...inTwo(stranger, cut)), `cut at ${cut}`).to.equal(0);
      expect(await passing(...inTwo(stranger, cut).toReversed()), `reversed, ${cut}`).to.equal(0);
    }
    for (const cut of [8, 16, 24])
      expect(await passing(...inTwo(stranger, cut, { first: options })), `options, ${cut}`).to.equal(0);
  });

  it("is the host that has the sender, whole and in fragments that show who sends", async () => {
    expect(await passing(frames.ip6Frame(from(peer), 17, datagram(inner)))).to.equal(innerBytes);
    for (const cut of [32, 64]) expect(await passing(...inTwo(peer, cut))).to.equal(innerBytes);
    expect(await passing(...inTwo(peer, 8))).to.equal(0);
  });

  it("says nothing of other fragments of the computer", async () => {
    const script = `
      const socket = require("node:dgram").createSocket({ type: "udp6" });
      socket.on("message", (bytes) => process.stdout.write(bytes.length + "\\n"));
      socket.bind(5001, "${own}", () => process.stdout.write("bound\\n"));`;
    const called = fabric.node(script);
    const said: string[] = [];
    called.stdout?.on("data", (bytes: Buffer) => said.push(...bytes.toString().split("\n").filter(Boolean)));
    await until(
      async () => said.length,
      (count) => count === 1,
    );
    for (const cut of [8, 32]) {
      id += 1;
      const whole = checked(from(stranger), frames.udp(4_000, 5_001, Buffer.alloc(100)));
      card.send(...fragments6(from(stranger), { next: 17, whole, cut, id }));
    }
    await until(
      async () => said.length,
      (count) => count === 3,
    );
    expect(said).to.deep.equal(["bound", "100", "100"]);
  });
});

/** A datagram of zeros with the checksum that IPv6 wants. */
function checked(ends: frames.Ends, datagram: Buffer): Buffer {
  const pseudo = frames.ip6Frame(ends, 17, Buffer.alloc(0)).subarray(22);
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(datagram.length, 0);
  tail[7] = 17;
  const bytes = Buffer.concat([pseudo, tail, datagram]);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const summed = Buffer.from(datagram);
  summed.writeUInt16BE(~sum & 0xffff || 0xffff, 6);
  return summed;
}
