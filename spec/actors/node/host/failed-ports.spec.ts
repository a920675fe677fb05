/** Which ports the failed parts of a host's picture concern, by value. */
import { expect } from "chai";
import { failedPorts, lostDevices } from "../../../../actors/node/host/failed-ports.ts";
import type { NetworkFailure } from "../../../../protocol/networking.ts";
import { ids, networkPicture, portPicture } from "../../../support/fabric-pictures.ts";
import { interfaceAt, officeOf, routerPicture } from "../../../support/routed-pictures.ts";

const [first, second, third] = [
  networkPicture([portPicture(1), portPicture(2)]),
  networkPicture([portPicture(3)], 2),
  networkPicture([portPicture(4)], 3),
];
const router = routerPicture(1, { interfaces: [interfaceAt(1, 2, "10.9.0.1")], outside: officeOf() });
const picture = { networks: [first, second, third], routers: [router] };
const concerned = (...failures: readonly Omit<NetworkFailure, "why">[]) =>
  failedPorts(
    picture,
    failures.map((one) => ({ ...one, why: `${one.of} fails` })),
  ).map(({ portId, of, why }) => [Number(portId.slice(-1)), of, why]);
const [own] = first.ports;

describe("A failed part of a host's picture", () => {
  it("concerns nobody where there is none", () => {
    expect(concerned()).to.deep.equal([]);
  });

  it("concerns a port alone, or all ports of a network", () => {
    expect(concerned({ of: "port", id: own?.id ?? "" })).to.deep.equal([[1, "port", "port fails"]]);
    for (const what of ["network", "tunnel", "responder"] as const)
      expect(concerned({ of: what, id: first.id })).to.deep.equal([
        [1, what, `${what} fails`],
        [2, what, `${what} fails`],
      ]);
  });

  it("concerns all who are behind a router, or whose router leads outside there", () => {
    const physicalNetwork = officeOf().physicalNetwork;
    expect(concerned({ of: "router", id: router.id })).to.deep.equal([[3, "router", "router fails"]]);
    expect(concerned({ of: "outside", id: physicalNetwork })).to.deep.equal([
      [3, "outside", "outside fails"],
    ]);
    expect(concerned({ of: "outside", id: "elsewhere" })).to.deep.equal([]);
  });

  it("may be the device of a running guest, and of no other, which is worst of all", () => {
    const adrift = [1, 2].map((number) => ({ portId: ids.port(number), instanceId: ids.instance(number) }));
    const [lost, ...others] = lostDevices(adrift, (instanceId) => instanceId === ids.instance(1));
    expect(others).to.deep.equal([]);
    expect(lost).to.deep.include({ of: "device", id: ids.port(1) });
    expect(lost?.why).to.include(ids.instance(1));
    const all = [
      { of: "port" as const, id: ids.port(1) },
      { of: "device" as const, id: ids.port(1) },
    ];
    expect(concerned(...all).map(([port, of]) => [port, of])).to.deep.equal([[1, "device"]]);
  });

  it("is told of a port once, the worst first", () => {
    const all: Omit<NetworkFailure, "why">[] = [
      { of: "network", id: first.id },
      { of: "port", id: own?.id ?? "" },
    ];
    expect(concerned(...all).map(([port, of]) => [port, of])).to.deep.equal([
      [1, "port"],
      [2, "network"],
    ]);
  });
});
