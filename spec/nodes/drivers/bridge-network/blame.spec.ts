/** Steps that are left are about one port, network or router, which is cut off alone. By value. */
import { expect } from "chai";
import { blameFor, closedBy } from "../../../../nodes/drivers/bridge-network/blame.ts";
import { type FabricPlan, planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import type { Steps } from "../../../../nodes/drivers/bridge-network/steps.ts";
import { hatchMac } from "../../../../nodes/responder/hatch.ts";
import {
  far,
  ids,
  macOf,
  networkPicture,
  portPicture,
  portRecord,
} from "../../../support/fabric-pictures.ts";

const networks = [networkPicture([portPicture(1), portPicture(2)]), networkPicture([portPicture(3)], 2)];
const networking = { version: 1, groups: [], networks, far: [far(1, "192.0.2.2", [7])] };
const plan: FabricPlan = planOf({
  ...{ networking, underlay: "192.0.2.1", services: [] },
  ports: [portRecord(1), portRecord(2), portRecord(3, 2)],
});
const left = (given: Partial<Steps>): Steps => ({
  ...{ before: [], tunnels: [], links: [], places: [], orphans: [] },
  ...given,
});
const blamed = (given: Partial<Steps>, complaints = "") => {
  const { failures, others } = blameFor(plan, left(given), complaints);
  return { failures: failures.map(({ of, id }) => [of, id]), others };
};

describe("The blame for a fabric that is not as planned", () => {
  it("is nobody's where nothing is left", () => {
    expect(blamed({})).to.deep.equal({ failures: [], others: [] });
  });

  it("is a port's for its tap, and for who is behind the tap", () => {
    const links = [
      "link set dev nvt00000000a001 mtu 1 up",
      "link set dev nvt00000000a001 master nvb00000000f001",
    ];
    const places = ["fdb replace 52:54:00:00:01:02 dev nvt00000000a002 master static"];
    expect(blamed({ links, places }).failures).to.deep.equal([
      ["port", ids.port(1)],
      ["port", ids.port(2)],
    ]);
    const entry = `neigh replace 10.9.0.2 lladdr ${macOf(2)} dev nvb00000000f001 nud permanent`;
    expect(blamed({ links: [entry] }).failures).to.deep.equal([["port", ids.port(2)]]);
  });

  it("is a network's for its bridge, and a tunnel's for the way to other hosts", () => {
    const links = ["link add name nvb00000000f002 address 0e:6e:00:00:f0:02 type bridge"];
    const { tunnels } = plan;
    const places = [`fdb replace ${macOf(7)} dev nvx00000000f001 dst 192.0.2.2 self permanent`];
    expect(blamed({ links, tunnels, places }).failures).to.deep.equal([
      ["tunnel", ids.network(1)],
      ["network", ids.network(2)],
    ]);
  });

  it("is said with the tool's first own words", () => {
    const links = ["link set dev nvt00000000a001 mtu 1"];
    const said = "RTNETLINK answers: Invalid argument\nCommand failed -:3";
    expect(blameFor(plan, left({ links }), said).failures[0]?.why).to.equal(
      "The host could not do this: link set dev nvt00000000a001 mtu 1 (RTNETLINK answers: Invalid argument).",
    );
  });

  it("is nobody's for a device that nobody planned", () => {
    const links = ["link set dev nvt00000000a00f nomaster"];
    expect(blamed({ links })).to.deep.equal({ failures: [], others: links });
  });

  it("is a responder's for its way into a network, and for what is sent there", () => {
    const mac = hatchMac;
    const service = { bridge: "nvb00000000f001", address: "100.127.0.1", mac, hatch: 7 };
    const answered = planOf({
      ...{ networking, underlay: null, services: [service] },
      ports: [portRecord(1), portRecord(3, 2)],
    });
    for (const step of [
      "link add name nvh00000000f001 type vxlan id 7 local 169.254.169.254 dstport 4790 nolearning",
      `fdb replace ${mac} dev nvh00000000f001 master static`,
      `neigh replace 100.127.0.1 lladdr ${mac} dev nvb00000000f001 nud permanent`,
    ]) {
      const { failures, others } = blameFor(answered, left({ links: [step] }), "");
      expect(failures.map(({ of, id }) => [of, id])).to.deep.equal([["responder", ids.network(1)]]);
      expect(others).to.deep.equal([]);
      // Guests reach each other all the same, by IPv4 and by IPv6.
      expect([...closedBy(failures, networking)]).to.deep.equal([]);
    }
  });

  it("closes a port alone, and all ports of a network; a tunnel and a router close none", () => {
    const of = (what: "port" | "network" | "tunnel" | "router", id: string) => [
      ...closedBy([{ of: what, id, why: "" }], networking),
    ];
    expect(of("port", ids.port(1))).to.deep.equal([ids.port(1)]);
    expect(of("network", ids.network(1))).to.deep.equal([ids.port(1), ids.port(2)]);
    expect([...of("tunnel", ids.network(1)), ...of("router", ids.network(1))]).to.deep.equal([]);
  });
});
