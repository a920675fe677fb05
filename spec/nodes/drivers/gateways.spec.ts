/** What published ports want of a host of the driver `user`, and how a gateway is told, by value. */
import { expect } from "chai";
import {
  gatewayArguments,
  isConnectedIn,
  openIn,
} from "../../../nodes/drivers/user-network/gateway-process.ts";
import { publishingOf, slirpOptions, switchGatewayOf } from "../../../nodes/drivers/user-network/gateways.ts";
import { afterSilence, firstHearing, isHung } from "../../../nodes/drivers/user-network/hearing.ts";
import type { PortRecord } from "../../../nodes/drivers/user-network/ports.ts";
import type { HostNetworking, PortPicture } from "../../../protocol/networking.ts";
import { type Guest, ip4Of, macOf, networkOf, portIdOf, portOf } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 5 };
const two: Guest = { network: 1, number: 6 };
const other: Guest = { network: 2, number: 5 };
const published = (id: string, hostPort: number, port: number) => ({
  ...{ id, hostPort, address: "127.0.0.1", port },
});

const recordOf = (guest: Guest): PortRecord => ({
  ...{ portId: portIdOf(guest), networkId: `network-${guest.network}`, mac: macOf(guest), mtuBytes: 1_400 },
  ...{ instanceId: `instance-${portIdOf(guest)}`, ownerEpoch: 1, hostName: "web" },
});
const plugged = (guests: readonly Guest[]) =>
  new Map(guests.map((guest) => [portIdOf(guest), recordOf(guest)]));
const pictureOf = (
  ports: ReadonlyMap<Guest, Partial<PortPicture>>,
  far?: HostNetworking["far"],
): HostNetworking => {
  const all = [...ports].map(([guest, given]) => [guest.network, portOf(guest, given)] as const);
  const numbers = [...new Set(all.map(([number]) => number))];
  const portsOf = (number: number) => all.flatMap(([of, port]) => (of === number ? [port] : []));
  const networks = numbers.map((number) => networkOf(number, portsOf(number)));
  return { version: 1, networks, groups: [], ...(far === undefined ? {} : { far }) };
};
const web = { published: [published("p1", 8_080, 80), published("p2", 2_222, 22)] };

describe("what published ports want of a host", () => {
  const of = (networking: HostNetworking | null, guests: readonly Guest[], hostId = "host") =>
    publishingOf({ ports: plugged(guests), networking, hostId });

  it("is another gateway when the subnet's address is another: the one that runs keeps what it was told", () => {
    const picture = pictureOf(new Map([[one, web]]));
    const moved = {
      ...picture,
      networks: picture.networks.map((network) => ({
        ...network,
        subnets: network.subnets.map((one) =>
          one.gateway === null ? one : { ...one, gateway: "10.0.1.254" },
        ),
      })),
    };
    const idsOf = (networking: HostNetworking) => of(networking, [one]).gateways.map(({ id }) => id);
    expect(idsOf(picture)).to.deep.equal(idsOf(pictureOf(new Map([[one, web]]))));
    expect(idsOf(moved)).to.have.length(1);
    expect(idsOf(moved)).not.to.deep.equal(idsOf(picture));
  });

  it("is a gateway for each subnet with published guests, with the subnet's address and all its ports", () => {
    const second = { published: [published("p3", 8_081, 80)] };
    const { gateways, unpublished } = of(
      pictureOf(
        new Map<Guest, Partial<PortPicture>>([
          [one, web],
          [two, second],
          [other, {}],
        ]),
      ),
      [one, two, other],
    );
    expect(unpublished).to.deep.equal([]);
    expect(gateways).to.have.length(1);
    const [gateway] = gateways;
    expect(gateway).to.include({ networkId: "network-1", address: "10.0.1.1", mac: "52:55:0a:00:01:01" });
    expect(
      gateway?.forwards.map(({ id, hostPort, address, port }) => [id, hostPort, address, port]),
    ).to.deep.equal([
      ["p1", 8_080, ip4Of(one), 80],
      ["p2", 2_222, ip4Of(one), 22],
      ["p3", 8_081, ip4Of(two), 80],
    ]);
    if (gateway === undefined) return;
    expect(switchGatewayOf(gateway, "/s").forwards[0]).to.deep.equal({
      ...{ portId: portIdOf(one), address: ip4Of(one), port: 80 },
    });
  });

  it("is another gateway on each node of a computer, and always the same one there", () => {
    const picture = pictureOf(new Map([[one, web]]));
    const ids = ["a", "b", "a"].map((hostId) => of(picture, [one], hostId).gateways[0]?.id);
    expect(ids[0]).to.equal(ids[2]).and.not.to.equal(ids[1]);
    expect(ids[0]).to.match(/^[0-9a-f]{32}$/);
  });

  it("is nothing for who is not plugged in, or was plugged in as another instance's", () => {
    const picture = pictureOf(new Map([[one, web]]));
    const nothing = { gateways: [], unpublished: [] };
    expect(of(picture, [])).to.deep.equal(nothing);
    expect(of(null, [one])).to.deep.equal(nothing);
    const ports = new Map([[portIdOf(one), { ...recordOf(one), instanceId: "another" }]]);
    expect(publishingOf({ ports, networking: picture, hostId: "host" })).to.deep.equal(nothing);
  });

  it("is said where it cannot be: without a gateway, and where a guest of any host has its address", () => {
    const without = pictureOf(new Map([[one, web]]));
    const networks = without.networks.map((network) => ({
      ...network,
      subnets: network.subnets.map((subnet) => ({ ...subnet, gateway: null })),
    }));
    const lonely = of({ ...without, networks }, [one]);
    expect(lonely.gateways).to.deep.equal([]);
    expect(lonely.unpublished.map(({ id, why }) => [id, why])).to.deep.equal([
      ["p1", "The guest has no address of IPv4 in a subnet with a gateway."],
      ["p2", "The guest has no address of IPv4 in a subnet with a gateway."],
    ]);
    const addresses = [{ subnetId: "subnet-1", address: "10.0.1.1" }];
    const far = [
      {
        ...{ networkId: "network-1", host: "192.0.2.2" },
        ports: [{ id: "far", mac: macOf(two), addresses: ["10.0.1.1"], addressPairs: [] }],
      },
    ];
    for (const picture of [
      pictureOf(
        new Map<Guest, Partial<PortPicture>>([
          [one, web],
          [two, { addresses }],
        ]),
      ),
      pictureOf(new Map([[one, web]]), far),
    ]) {
      const { gateways, unpublished } = of(picture, [one]);
      expect(gateways).to.deep.equal([]);
      expect(unpublished[0]?.why).to.contain("10.0.1.1");
    }
  });

  it("is said where a guest's address pair has the gateway's address or MAC: the switch would refuse it", () => {
    const pairs = [
      { cidr: "10.0.1.1/32", mac: null, word: "address 10.0.1.1" },
      { cidr: "10.0.1.0/24", mac: "52:55:0a:00:01:01", word: "MAC 52:55:0a:00:01:01" },
    ];
    for (const { word, ...pair } of pairs) {
      const addressPairs = [pair];
      const far = [
        {
          ...{ networkId: "network-1", host: "192.0.2.2" },
          ports: [{ id: "far", mac: macOf(two), addresses: [], addressPairs }],
        },
      ];
      const here = new Map<Guest, Partial<PortPicture>>([
        [one, web],
        [two, { addressPairs }],
      ]);
      for (const picture of [pictureOf(here), pictureOf(new Map([[one, web]]), far)]) {
        const { gateways, unpublished } = of(picture, [one]);
        expect([gateways.length, unpublished.length]).to.deep.equal([0, 2]);
        expect(unpublished[0]?.why).to.contain(word);
      }
    }
    // A range takes no single address from anybody.
    const range = { addressPairs: [{ cidr: "10.0.1.0/24", mac: null }] };
    const free = new Map<Guest, Partial<PortPicture>>([
      [one, web],
      [two, range],
    ]);
    expect(of(pictureOf(free), [one]).gateways).to.have.length(1);
  });
});

describe("a gateway that says nothing", () => {
  it("is ended after a time and several looks, and not for what another process has said", () => {
    const born = firstHearing(7, 1_000);
    const silent = [1, 2, 3].reduce((hearing) => afterSilence(hearing), born);
    expect(isHung(born, 1_000_000), "the agent was stopped").to.equal(false);
    expect(isHung(silent, 20_999)).to.equal(false);
    expect(isHung(silent, 21_000)).to.equal(true);
    expect(isHung(afterSilence(firstHearing(7, 20_000)), 21_000)).to.equal(false);
  });
});

describe("a gateway's process", () => {
  it("answers nobody, and has no address of the subnet but the gateway's", () => {
    expect(slirpOptions("10.0.0.1")).to.equal(
      "net=0.0.0.0/4,host=10.0.0.1,dns=0.1.0.2,dhcpstart=0.1.0.3,restrict=on,ipv6=off",
    );
    expect(slirpOptions("172.16.0.1")).to.contain("net=160.0.0.0/4,host=172.16.0.1,dns=160.1.0.2");
    expect(slirpOptions("192.168.1.254")).to.contain("net=192.0.0.0/4,host=192.168.1.254,dns=200.1.0.2");
    const line = gatewayArguments({ id: "g", address: "10.0.0.1" }).join(" ");
    expect(line).to.contain("-M none").and.to.contain("-sandbox on").and.not.to.contain("hostfwd");
  });

  it("is read by what it says is open", () => {
    const text = [
      "Hub 0 (guests):",
      "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ",
      "  TCP[HOST_FORWARD]  15       127.0.0.1 18082        10.0.0.6    81     0     0",
      "  TCP[ESTABLISHED]   16       127.0.0.1 18082        10.0.0.6    81     0     0",
      "",
    ].join("\r\n");
    expect(openIn(text)).to.deep.equal([
      { hostAddress: "127.0.0.1", hostPort: 18_082, address: "10.0.0.6", port: 81 },
    ]);
    expect(openIn("")).to.deep.equal([]);
  });

  it("let nobody in before the switch is connected, as QEMU says", () => {
    const said = (stream: string) =>
      [
        "hub 0",
        ` \\ b: switch: index=0,type=stream,${stream}`,
        " \\ a: guests: index=0,type=user,net=0.0.0.0,restrict=on",
      ].join("\r\n");
    expect(isConnectedIn(said("unix:s"))).to.equal(true);
    expect(isConnectedIn(said(""))).to.equal(false);
    expect(isConnectedIn(said("").replace("switch:", "other:"))).to.equal(false);
    expect(isConnectedIn("")).to.equal(false);
  });
});
