/** What there is to be in routers and ways outside, by value. */
import { expect } from "chai";
import { planOf } from "../../../../../nodes/drivers/bridge-network/plan.ts";
import { outsideSpace, routerSpace } from "../../../../../nodes/drivers/bridge-network/routing/names.ts";
import type { OutsideOptions } from "../../../../../nodes/drivers/bridge-network/routing/options.ts";
import { routingPlan } from "../../../../../nodes/drivers/bridge-network/routing/plan.ts";
import { ownAddress } from "../../../../../nodes/drivers/bridge-network/routing/plan-outside.ts";
import type { RouterPicture } from "../../../../../protocol/networking.ts";
import { portRecord } from "../../../../support/fabric-pictures.ts";
import {
  floatingAt,
  interfaceAt,
  officeOf,
  pictureOf,
  type RoutedGuest,
  type RoutedWorld,
  routerPicture,
  subnetId,
} from "../../../../support/routed-pictures.ts";

const one: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5" };
const other: RoutedGuest = { number: 2, network: 2, address: "10.2.0.5", host: 1 };
const interfaces = [interfaceAt(1, 1, "10.1.0.1"), interfaceAt(2, 2, "10.2.0.1")];
const ways: OutsideOptions = { office: { device: "eth1", address: "203.0.113.7/24" } };

const networkingOf = (routers: readonly RouterPicture[], given: Partial<RoutedWorld> = {}) =>
  pictureOf(
    {
      ...{ version: 1, guests: [one, other], routers },
      networks: [1, 2].map((number) => ({ number, cidrs: [`10.${number}.0.0/24`] })),
      ...given,
    },
    0,
    ["192.0.2.1", "192.0.2.2"],
  );

function planned(routers: readonly RouterPicture[], given: Partial<RoutedWorld> = {}, outside = ways) {
  const networking = networkingOf(routers, given);
  const fabric = planOf({ networking, ports: [portRecord(1)], underlay: "192.0.2.1", services: [] });
  const numbers = Object.fromEntries(routers.map(({ id }, index) => [id, index + 1]));
  const transits = { numbers, next: routers.length };
  return { fabric, ...routingPlan({ networking, neighbours: fabric.neighbours, outside, transits }) };
}

const [gate1, gate2] = ["nvr00000000a101", "nvr00000000a102"];
const routed = (given: Partial<RouterPicture> = {}) => routerPicture(1, { interfaces, ...given });
const routesOf = (given: Partial<RouterPicture>) =>
  planned([routed(given)]).routers[0]?.routes.map(({ destination, via }) =>
    via === null ? destination : `${destination} ${via.address} ${via.device}`,
  );

describe("The plan of a router", () => {
  it("has a device for each interface, and knows who is behind it, on this host and on others", () => {
    expect(planned([routed()]).routers).to.deep.equal([
      {
        space: routerSpace(routed().id),
        interfaces: [
          {
            ...{ device: gate1, bridge: "nvb00000000f001", mac: "52:54:00:00:02:01" },
            ...{ mtuBytes: 1_400, address: "10.1.0.1/24" },
          },
          {
            ...{ device: gate2, bridge: "nvb00000000f002", mac: "52:54:00:00:02:02" },
            ...{ mtuBytes: 1_400, address: "10.2.0.1/24" },
          },
        ],
        neighbours: [
          { device: gate1, address: "10.1.0.5", mac: "52:54:00:00:01:01" },
          { device: gate2, address: "10.2.0.5", mac: "52:54:00:00:01:02" },
        ],
        routes: [
          { destination: "10.1.0.0/24", via: { address: null, device: gate1 } },
          { destination: "10.2.0.0/24", via: { address: null, device: gate2 } },
          { destination: "default", via: null },
        ],
        ...{ prefixes: ["10.1.0.0/24", "10.2.0.0/24"], leave: null, floating: [] },
      },
    ]);
  });

  it("makes the router a port of each bridge in the fabric, and lets nobody else be it", () => {
    const thief: RoutedGuest = { ...one, address: "10.1.0.1" };
    const { fabric } = planned([routed()], { guests: [thief, other] });
    expect(fabric.routerPorts[0]).to.deep.equal({
      ...{ name: gate1, portId: interfaces[0]?.portId, mtuBytes: 1_400, bridge: "nvb00000000f001" },
      routerId: routed().id,
    });
    const places = fabric.places.filter(({ device }) => device === gate1);
    expect(places.map(({ mac }) => mac)).to.deep.equal(["52:54:00:00:02:01"]);
    const at = fabric.neighbours.filter(({ address }) => address === "10.1.0.1");
    expect(at.map(({ mac }) => mac)).to.deep.equal(["52:54:00:00:02:01"]);
  });

  it("has a tunnel for each of its networks, also where nobody of the network is on another host", () => {
    expect(planned([routed()]).fabric.tunnels.map(({ number }) => number)).to.deep.equal([77, 78]);
    expect(planned([]).fabric.tunnels.map(({ number }) => number)).to.deep.equal([78]);
  });

  it("has no device for an interface of an unknown subnet, of none of its addresses, or whose place is another's", () => {
    const [first] = interfaces;
    if (first === undefined) throw new Error("There are two.");
    const devicesOf = (given: Partial<typeof first>, network = "10.1.0.0/24") => {
      const networks = [{ number: 1, cidrs: [network] }];
      const router = routerPicture(1, { interfaces: [{ ...first, ...given }] });
      return planned([router], { networks }).routers.flatMap((of) => of.interfaces);
    };
    expect(devicesOf({})).to.have.length(1);
    for (const given of [
      { address: "fd00::1" },
      { networkId: "01890000-0000-7000-8000-0000000000ff" },
      { subnetId: "another" },
      { address: "10.9.0.1" },
      { mac: "0E:6E:00:00:F0:01" },
    ])
      expect(devicesOf(given), JSON.stringify(given)).to.deep.equal([]);
    for (const [address, range] of [
      ...[["169.254.0.1", "169.254.0.0/16"] as const, ["100.64.0.1", "100.64.0.0/24"] as const],
      ...[["fe80::1", "fe80::/64"] as const, ["ff02::1", "ff02::/64"] as const],
    ])
      expect(devicesOf({ address }, range), range).to.deep.equal([]);
    const twice = [first, { ...first, portId: interfaces[1]?.portId ?? "" }];
    const router = routerPicture(1, { interfaces: twice });
    expect(
      planned([router, routerPicture(2, { interfaces: [first] })]).routers.map((of) => of.interfaces.length),
    )
      .to // of one MAC address
      .deep.equal([1, 0]);
  });

  it("has interfaces of IPv6 beside those of IPv4, with routes that lead nowhere outside", () => {
    const [first, second] = interfaces;
    if (first === undefined || second === undefined) throw new Error("There are two.");
    const six = { ...second, networkId: first.networkId, subnetId: subnetId(1, 1), address: "FD00:1::1" };
    const networks = [{ number: 1, cidrs: ["10.1.0.0/24", "fd00:1::/64"] }];
    const routes = [{ destination: "fd00:9::/64", nextHop: "fd00:1::5" }];
    const [router] = planned([routerPicture(1, { interfaces: [first, six], routes })], { networks }).routers;
    expect(router?.interfaces.map(({ address }) => address)).to.deep.equal(["10.1.0.1/24", "fd00:1::1/64"]);
    const device = router?.interfaces[1]?.device ?? "";
    expect(router?.routes).to.deep.include.members([
      { destination: "fd00:1::/64", via: { address: null, device } },
      { destination: "fd00:9::/64", via: { address: "fd00:1::5", device } },
      ...["default", "::/0"].map((destination) => ({ destination, via: null })),
    ]);
    expect(router?.prefixes).to.deep.equal(["10.1.0.0/24", "fd00:1::/64", "fd00:9::/64"]);
  });

  it("leads by next hops that are behind an interface, and by the first of two for one range", () => {
    const to = (destination: string, nextHop: string) => ({ destination, nextHop });
    const own = ["10.1.0.0/24 null nvr00000000a101", "10.2.0.0/24 null nvr00000000a102"];
    expect(
      routesOf({
        routes: [
          ...[to("192.0.2.0/24", "10.2.0.5"), to("192.0.2.0/24", "10.1.0.5"), to("10.1.0.0/24", "10.2.0.5")],
          ...[
            to("198.51.100.7/32", "10.1.0.9"),
            to("198.51.100.0/24", "10.9.0.5"),
            to("fd00::/64", "fd00::1"),
          ],
        ],
      }),
    ).to.deep.equal([...own, `192.0.2.0/24 10.2.0.5 ${gate2}`, `198.51.100.7 10.1.0.9 ${gate1}`, "default"]);
    expect(routesOf({ routes: [to("0.0.0.0/0", "10.1.0.9")], outside: officeOf() })).to.deep.equal([
      ...own,
      `default 10.1.0.9 ${gate1}`,
    ]);
  });

  it("keeps no connections of ranges that it leads to, each of which is said once", () => {
    const to = (destination: string) => ({ destination, nextHop: "10.2.0.5" });
    const routes = ["10.0.0.0/8", "192.0.2.9/32", "192.0.2.8/29", "198.51.100.7/32", "0.0.0.0/0"].map(to);
    expect(planned([routed({ routes })]).routers[0]?.prefixes).to.deep.equal([
      ...["10.0.0.0/8", "192.0.2.8/29", "198.51.100.7"],
    ]);
  });

  it("leads outside where this node has a way, and nowhere where it has none", () => {
    const [router] = planned([
      routed({ outside: officeOf(false), floating: [floatingAt("203.0.113.50", one)] }),
    ]).routers;
    expect(router?.leave).to.deep.equal({
      ...{ space: outsideSpace("office"), device: "nvea9fe0101", transit: "169.254.1.1" },
      ...{ mtuBytes: 1_500, snat: false },
    });
    expect(router?.routes.at(-1)).to.deep.equal({
      ...{ destination: "default", via: { address: "169.254.0.1", device: "out0" } },
    });
    expect(router?.neighbours.at(-1)).to.deep.equal({
      ...{ device: "out0", address: "169.254.0.1", mac: "0e:6e:00:00:00:01" },
    });
    expect(router?.floating).to.deep.equal([{ address: "203.0.113.50", target: "10.1.0.5" }]);
    const without = planned(
      [routed({ outside: officeOf(), floating: [floatingAt("203.0.113.50", one)] })],
      {},
      {},
    );
    expect(without.outsides).to.deep.equal([]);
    expect(without.routers[0]).to.deep.include({ leave: null, floating: [] });
  });

  it("gives a floating address to one router and one target alone", () => {
    const floating = [floatingAt("203.0.113.50", one), floatingAt("203.0.113.50", other)];
    const all = planned([
      routed({ outside: officeOf(), floating }),
      routerPicture(2, { outside: officeOf(), floating }),
      routed({ outside: officeOf(), floating }),
    ]);
    expect(all.routers.map((of) => of.floating)).to.deep.equal([
      [{ address: "203.0.113.50", target: "10.1.0.5" }],
      [],
    ]);
  });
});

describe("The plan of a way outside", () => {
  const outsidesOf = (cidrs: readonly { cidr: string; gateway: string | null }[], outside = ways) => {
    const to = { ...officeOf(), subnets: [...cidrs] };
    return planned([routed({ outside: to, floating: [floatingAt("203.0.113.50", one)] })], {}, outside)
      .outsides;
  };

  it("has the node's address, the routers that lead there, and their floating addresses", () => {
    expect(outsidesOf(officeOf().subnets)).to.deep.equal([
      {
        ...{ space: outsideSpace("office"), device: "nvo5cc3f82838ba", parent: "eth1" },
        ...{ mac: outsidesOf([])[0]?.mac, address: "203.0.113.7/24", gateway: "203.0.113.1" },
        ranges: ["203.0.113.0/24"],
        customers: [
          {
            ...{ device: "nvea9fe0101", transit: "169.254.1.1", mtuBytes: 1_500 },
            floating: ["203.0.113.50"],
          },
        ],
      },
    ]);
    expect(outsidesOf([])[0]?.mac).to.match(/^0e:6f(:[0-9a-f]{2}){4}$/);
    expect(planned([routed()]).outsides, "nobody leads there").to.deep.equal([]);
  });

  it("leads on by the gateway of the range in which the node is, and reaches the others directly", () => {
    const near = { cidr: "203.0.113.0/24", gateway: "203.0.113.254" };
    const far = { cidr: "198.51.100.0/24", gateway: "198.51.100.1" };
    expect(outsidesOf([far, near])[0]).to.deep.include({
      ...{ gateway: "203.0.113.254", ranges: ["198.51.100.0/24", "203.0.113.0/24"] },
    });
    expect(outsidesOf([far])[0]?.gateway).to.equal("198.51.100.1");
    expect(outsidesOf([{ ...near, gateway: null }])[0]?.gateway).to.equal(null);
    expect(outsidesOf([{ ...near, gateway: "203.0.113.7" }])[0]?.gateway, "itself").to.equal(null);
    expect(outsidesOf([{ cidr: "fd00::/64", gateway: "fd00::1" }])[0]).to.deep.include({
      ...{ gateway: null, ranges: ["203.0.113.0/24"] },
    });
  });

  it("understands an address of IPv4 with its prefix, and nothing else", () => {
    expect(ownAddress("203.0.113.7/24")?.address).to.equal("203.0.113.7");
    for (const text of ["203.0.113.7", "203.0.113.7/0", "203.0.113.7/33", "fd00::1/64", "203.0.113/24", ""])
      expect(ownAddress(text), text).to.equal(undefined);
  });
});
