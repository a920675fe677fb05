/**
 * The switch's real process and clients of DHCPv6 by frames: each gets its own address, hears routers when it
 * asks and when they change, and nothing of what another guest asks or forges.
 */
import { expect } from "chai";
import type { HostNetworking, RouterPicture } from "../../../protocol/networking.ts";
import {
  dhcp6Frame,
  dhcp6Types,
  linkLocal,
  readAdvertisement,
  readDhcp6,
  solicitation,
} from "../../support/dhcp6-frames.ts";
import type { FakeNic } from "../../support/fake-nic.ts";
import { icmp, ip6, ip6Frame, udp } from "../../support/frames.ts";
import { routerOf } from "../../support/routed-world.ts";
import { SwitchBench } from "../../support/switch-process.ts";
import { ends6, type Guest, ip6Of, macOf, pictureOf } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 7 };
const two: Guest = { network: 1, number: 8 };
const all = [one, two];
const gateMac = "fa:16:3e:06:01:01";
const router = routerOf([], {
  interfaces: [
    {
      ...{ portId: "gate6-1", networkId: "network-1", mac: gateMac, subnetId: "subnet6-1" },
      address: "fd00:1::1",
    },
  ],
});
const digits = (text: string): string => ip6(text).toString("hex");

function pictureWith(version: number, routers: readonly RouterPicture[]): HostNetworking {
  const { networks, ...picture } = pictureOf(all);
  const six = { dhcp: true, gateway: "fd00:1::1" };
  return {
    ...{ ...picture, version, routers },
    networks: networks.map((network) => ({
      ...network,
      subnets: network.subnets.map((subnet) => (subnet.cidr.includes(":") ? { ...subnet, ...six } : subnet)),
    })),
  };
}

describe("the switch's process and IPv6", function () {
  this.timeout(20_000);
  let bench: SwitchBench;
  let nics: readonly FakeNic[];
  const nic = (guest: Guest): FakeNic => nics[all.indexOf(guest)] ?? expect.fail("There is no such guest.");
  /** Frames of one guest to the other, of which the last is known to pass. */
  const heardBy = async (from: Guest, to: Guest, ...frames: readonly Buffer[]) => {
    nic(to).received.splice(0);
    nic(from).send(...frames, ip6Frame(ends6(from, to), 17, udp(1_000, 2_000, Buffer.from("allowed"))));
    await nic(to).frame((frame) => frame.includes("allowed"));
    return nic(to).received.length - 1;
  };

  beforeEach(async () => {
    bench = new SwitchBench();
    bench.start();
    nics = await Promise.all(all.map((guest) => bench.listen(guest)));
    await bench.apply(all, pictureWith(1, [router]));
  });
  afterEach(() => bench.close());

  it("gives each guest its own address, and shows nobody what another asks", async () => {
    for (const guest of all) {
      const own = [{ address: digits(ip6Of(guest)), seconds: 86_400 }];
      nic(guest).send(dhcp6Frame(guest, { type: dhcp6Types.solicit }));
      const offer = readDhcp6(await nic(guest).frame((frame) => readDhcp6(frame)?.type === 2));
      expect(offer?.addresses).to.deep.equal(own);
      const { server = "" } = offer ?? {};
      nic(guest).send(dhcp6Frame(guest, { type: dhcp6Types.request, server, addresses: [ip6Of(guest)] }));
      const given = readDhcp6(await nic(guest).frame((frame) => readDhcp6(frame)?.type === 7));
      expect(given?.addresses).to.deep.equal(own);
    }
    expect(nics.map(({ received }) => received.length)).to.deep.equal([2, 2]);
  });

  it("lets the router speak when a guest asks, when it goes and when it comes back", async () => {
    const said = async (guest: Guest, seconds: number) => {
      const frame = await nic(guest).frame((one) => readAdvertisement(one)?.routerSeconds === seconds);
      nic(guest).received.splice(0);
      return readAdvertisement(frame)?.byMac;
    };
    nic(one).send(solicitation(one));
    expect(await said(one, 9_000)).to.equal(gateMac.replaceAll(":", ""));
    expect(nic(two).received).to.deep.equal([]);
    await bench.apply(all, pictureWith(2, []));
    for (const guest of all) expect(await said(guest, 0)).to.equal(gateMac.replaceAll(":", ""));
    await bench.apply(all, pictureWith(3, [router]));
    for (const guest of all) expect(await said(guest, 9_000)).to.equal(gateMac.replaceAll(":", ""));
  });

  it("lets no forged advertisement or answer of DHCPv6 out of 1,000 of each kind pass", async () => {
    for (const [from, to] of [[one, two] as const, [two, one] as const]) {
      const ends = { ...ends6(from, to), source: linkLocal(from), destination: linkLocal(to) };
      const kinds = [
        ip6Frame(ends, 58, icmp(134, 0, Buffer.alloc(12)), 255),
        ip6Frame({ ...ends, source: "fe80::f816:3eff:fe06:101" }, 58, icmp(134, 0, Buffer.alloc(12)), 255),
        ip6Frame(ends, 17, udp(547, 546)),
        ip6Frame(ends, 17, udp(5_000, 546)),
        dhcp6Frame(from, { type: dhcp6Types.reply, ends: { ...ends, destinationMac: macOf(to) } }),
      ];
      for (const frame of kinds)
        expect(await heardBy(from, to, ...Array.from({ length: 1_000 }, () => frame))).to.equal(0);
    }
  });

  it("lives on whatever guests ask, and however often", async () => {
    const cut = dhcp6Frame(one, { type: dhcp6Types.solicit });
    const frames = Array.from({ length: 3_000 }, (_, index) => {
      const frame = Buffer.from(index % 2 === 0 ? cut : solicitation(one));
      frame[54 + (index % (frame.length - 54))] = index % 256;
      return frame;
    });
    nic(one).send(...frames);
    expect(await heardBy(one, two)).to.equal(0);
  });
});
