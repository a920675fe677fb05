/**
 * The rules of the driver `bridge` for IPv6 in a real kernel: guests of one host find each other, nobody else
 * hears of it, and what is not allowed, or not any more, does not pass. Needs root, nft, conntrack and QEMU
 * (which only holds taps).
 */
import { expect } from "chai";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { directions } from "../../protocol/security-group.ts";
import type { FakeNic } from "../support/fake-nic.ts";
import * as frames from "../support/frames.ts";
import { connects, echoes, Lines } from "../support/guest-programs.ts";
import { missingForFabrics, ScratchFabric } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as world from "../support/switch-world.ts";

const at = (number: number, network = 1): world.Guest => ({ network, number });
const [caller, called, twin] = [at(7), at(8), at(8, 2)];
const [client, server] = [at(9), at(10)];
const all = [caller, called, twin, client, server];
const never = new AbortController().signal;
const first = (guest: world.Guest): world.Guest => ({ ...guest, network: 1 });

describe("rules of the kernel's bridge for IPv6", function () {
  this.timeout(60_000);
  let fabric: ScratchFabric;
  const filter = packetFilter({ clock: systemClock, log: silentLog });
  const cards = new Map<world.Guest, FakeNic>();
  const ports = all.map((guest) => ({
    ...world.plugOf(guest),
    ...{ mac: world.macOf(first(guest)), ownerEpoch: 1, hostName: `guest-${guest.network}-${guest.number}` },
  }));
  const apply = (rules: readonly world.RulePicture[]) =>
    filter.apply({ networking: world.twinPicture(all, rules), ports }, fabric, never);
  const card = (guest: world.Guest): FakeNic => cards.get(guest) ?? expect.fail("It has no card.");

  before(async function () {
    const missing = missingForFabrics();
    if (missing !== undefined) return skip(this, missing);
    fabric = await ScratchFabric.make();
    await filter.apply({ networking: null, ports: [] }, fabric, never);
    for (const number of [1, 2]) await fabric.makeBridge(`network-${number}`);
    for (const guest of [caller, called, twin])
      cards.set(guest, await fabric.plugCard(world.portIdOf(guest), `network-${guest.network}`));
  });
  after(async () => {
    await filter.detach(false);
    for (const one of cards.values()) await one.close();
    await fabric?.close();
  });

  const message = (type: 135 | 136, target: world.Guest, own: world.Guest, ends: frames.Ends) => {
    const option = `0${type - 134}01${world.macOf(own).replaceAll(":", "")}`;
    const payload = [frames.discovery(type, world.ip6Of(target)), Buffer.from(option, "hex")];
    return frames.ip6Frame(ends, 58, Buffer.concat(payload), 255);
  };
  const isOf = (type: number) => (frame: Buffer) => frame.readUInt16BE(12) === 0x86dd && frame[54] === type;

  it("bring a question for a neighbour to who has the address, and to nobody else", async () => {
    await apply([]);
    const toMany = { destinationMac: "33:33:ff:00:00:08", destination: "ff02::1:ff00:8" };
    card(caller).send(message(135, called, caller, { ...world.ends6(caller, called), ...toMany }));
    const heard = await card(called).frame(isOf(135));
    expect(heard.toString("hex", 0, 6)).to.equal(world.macOf(called).replaceAll(":", ""));
    card(called).send(message(136, called, called, world.ends6(called, caller)));
    await card(caller).frame(isOf(136));
    expect(card(twin).received.filter(isOf(135))).to.deep.equal([]);
  });

  describe("between guests with Linux's own network", () => {
    const tcpAt = (port: number) =>
      directions.map((direction) =>
        world.rule({ direction, ipVersion: 6, protocol: 6, portMin: port, portMax: port }),
      );
    const both = [...tcpAt(22), ...tcpAt(23)];
    let speaker: Lines;
    const says = async (port: number, text: string) => {
      speaker.write(`${port} ${text}`);
      await speaker.next(`${port} heard ${text}`);
    };
    const plug = (guest: world.Guest) =>
      fabric.plugHost(world.portIdOf(guest), "network-1", {
        ...{ mac: world.macOf(guest), addresses: [`${world.ip6Of(guest)}/64`] },
      });

    before(async () => {
      await apply(both);
      const [clientHost, serverHost] = [await plug(client), await plug(server)];
      await new Lines(serverHost.node(echoes)).next("listening");
      speaker = new Lines(clientHost.node(connects(world.ip6Of(server))));
      await speaker.next("connected 22");
      await speaker.next("connected 23");
    });

    it("let answers through, and end an open connection that they do not allow any more", async () => {
      await says(22, "one");
      await says(23, "one");
      await apply(tcpAt(23));
      speaker.write("22 two");
      for (const text of ["two", "three", "four"]) await says(23, text);
      expect(speaker.heard.filter((line) => line.startsWith("22 heard two"))).to.have.length(0);
      await apply(both);
      await speaker.next("22 heard two");
    });

    it("take rules of IPv4 for none of IPv6", async () => {
      await apply([...tcpAt(22).map((one) => ({ ...one, ipVersion: 4 as const })), ...tcpAt(23)]);
      speaker.write("22 five");
      for (const text of ["five", "six", "seven"]) await says(23, text);
      expect(speaker.heard.filter((line) => line.startsWith("22 heard five"))).to.have.length(0);
    });
  });
});
