/** Whom the tunnels of a host believe, by value. */
import { expect } from "chai";
import { planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { tunnelSendersOf, tunnelTable } from "../../../../nodes/drivers/bridge-network/tunnel-senders.ts";
import type { HostNetworking } from "../../../../protocol/networking.ts";
import { far, macOf, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";
import { interfaceAt, routerPicture } from "../../../support/routed-pictures.ts";

const [one, other] = ["192.0.2.2", "192.0.2.3"];
const planned = (given: Partial<HostNetworking>, underlay: string | null = "192.0.2.1") =>
  planOf({
    ...{ underlay, services: [], ports: [portRecord(1), portRecord(2, 2), portRecord(3, 3)] },
    networking: {
      ...{ version: 1, groups: [] },
      networks: [1, 2, 3].map((number) => networkPicture([portPicture(number)], number)),
      ...given,
    },
  });
const senders = (...given: Parameters<typeof planned>) =>
  tunnelSendersOf(planned(...given)).map(({ host, number, mac }) => `${host} ${number - 76} ${mac}`);

describe("Who is believed by a tunnel", () => {
  it("is nobody where there is none", () => {
    expect(senders({})).to.deep.equal([]);
    expect(senders({ far: [far(1, one, [7])] }, null)).to.deep.equal([]);
  });

  it("is the host of a port, in the port's network alone", () => {
    expect(senders({ far: [far(1, one, [7]), far(2, other, [8])] })).to.deep.equal([
      `${one} 1 ${macOf(7)}`,
      `${other} 2 ${macOf(8)}`,
    ]);
  });

  it("is also who may send with the MAC address of a pair, unless that is another port's own", () => {
    const [seven] = far(1, one, [7]).ports;
    const pair = (mac: string) => [{ cidr: "10.9.0.77/32", mac }];
    const pairs = [...pair("52:54:00:00:00:77"), ...pair(macOf(1))];
    const away = seven === undefined ? [] : [{ ...seven, addressPairs: pairs }];
    expect(senders({ far: [{ ...far(1, one, []), ports: away }] })).to.deep.equal([
      `${one} 1 ${macOf(7)}`,
      `${one} 1 52:54:00:00:00:77`,
    ]);
  });

  it("is, for a router, each host that has a guest behind it, over other routers as well, and no other", () => {
    const at = (...given: Parameters<typeof interfaceAt>) => ({
      ...interfaceAt(...given),
      subnetId: "subnet",
    });
    const [first, second] = [
      routerPicture(1, { interfaces: [at(1, 1, "10.9.0.1")] }),
      routerPicture(2, { interfaces: [at(2, 2, "10.9.0.1"), at(3, 1, "10.9.0.2")] }),
    ];
    const away = [far(2, one, [8]), far(3, other, [9])];
    const ofRouters = senders({ far: away, routers: [first, second] }).filter((text) =>
      text.includes(":00:02:"),
    );
    expect(ofRouters.toSorted()).to.deep.equal([
      `${one} 1 52:54:00:00:02:01`,
      `${one} 1 52:54:00:00:02:03`,
      `${one} 2 52:54:00:00:02:02`,
    ]);
  });

  it("is told to the kernel in one step, with the only address at which it may come", () => {
    const text = tunnelTable("t", planned({ far: [far(1, one, [7])] }));
    expect(text).to.match(/^table inet t\ndelete table inet t\ntable inet t \{\n/);
    expect(text).to.include("set numbers { typeof @th,96,24; elements = { 77 }; }");
    expect(text).to.include(`elements = { ${one} . 77 . 0x525400000107 };`);
    expect(text).to.include("ip daddr 192.0.2.1 ip saddr . @th,96,24 . @th,176,48 @senders accept");
    expect(tunnelTable("t", planned({}))).to.equal("table inet t\ndelete table inet t\n");
  });

  it("is as well told of by addresses of IPv6, and never by those of the other family", () => {
    const text = tunnelTable("t", planned({ far: [far(1, "fd00::2", [7]), far(2, one, [8])] }, "fd00::1"));
    expect(text).to.include("ip6 daddr fd00::1 ip6 saddr . ");
    // A kernel judges fragments of IPv4 as the whole packet.
    expect(text).to.include("frag frag-off 0 frag more-fragments 1 goto fragments");
    expect(tunnelTable("t", planned({ far: [far(1, one, [7])] }))).to.not.include("frag");
    expect(text).to.include("elements = { fd00::2 . 77 . 0x525400000107 };");
  });
});
