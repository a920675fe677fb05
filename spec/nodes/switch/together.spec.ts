/** What several nodes want of one switch, as one. By value. */
import { expect } from "chai";
import type { SwitchState } from "../../../nodes/switch/state.ts";
import { together } from "../../../nodes/switch/together.ts";
import type {
  GroupPicture,
  NetworkPicture,
  RouterPicture,
  RulePicture,
} from "../../../protocol/networking.ts";
import { exitOf, outsideOf } from "../../support/routed-world.ts";

const port = (id: string, groupIds: string[] = ["g"]): NetworkPicture["ports"][number] => ({
  ...{ id, instanceId: `i-${id}`, mac: `52:54:00:00:00:0${id}`, addresses: [], portSecurity: true },
  ...{ addressPairs: [], groupIds },
});
const network = (id: string, ports: readonly string[], mtuBytes = 1_450): NetworkPicture => ({
  ...{ id, number: 1, mtuBytes, subnets: [], ports: ports.map((one) => port(one)) },
});
const rule = (portMin: number, remoteGroupId: string | null = null): RulePicture => ({
  ...{ direction: "ingress", ipVersion: 4, protocol: 6, portMin, portMax: portMin },
  ...{ remoteCidr: null, remoteGroupId },
});
const group = (id: string, rules: RulePicture[], members: string[] = []): GroupPicture => ({
  id,
  rules,
  members,
});
const plug = (portId: string, path = `/${portId}`) => ({
  ...{ portId, networkId: "n", instanceId: `i-${portId}`, mac: `52:54:00:00:00:0${portId}` },
  ...{ mtuBytes: 1_450, hostName: "web", path },
});
const node = (
  version: number,
  networks: NetworkPicture[],
  given: Partial<SwitchState> = {},
  groups: GroupPicture[] = [],
) => ({
  networking: { version, networks, groups },
  plugs: networks.flatMap(({ ports }) => ports.map(({ id }) => plug(id))),
  ...given,
});

/** Ids of ports by network, and ports of rules by group, of all nodes together in whatever order. */
function found(...states: readonly SwitchState[]) {
  const [one, other] = [together(states), together(states.toReversed())];
  expect(new Set(one.plugs)).to.deep.equal(new Set(other.plugs));
  return one;
}
const portsOf = ({ networking }: SwitchState) =>
  networking?.networks.map(({ id, ports }) => [id, ports.map((one) => one.id).sort()]);
const rulesOf = ({ networking }: SwitchState) =>
  networking?.groups.map(({ id, rules, members }) => [id, rules.map(({ portMin }) => portMin), members]);

describe("what nodes want of one switch", () => {
  it("is nothing without nodes, and closed ports without a picture", () => {
    expect(found()).to.deep.equal({ networking: null, plugs: [] });
    const [blank, other] = [{ networking: null, plugs: [plug("1")] }, node(4, [network("n", ["2"])])];
    expect(found(blank)).to.deep.equal(blank);
    const both = found(blank, other);
    expect([portsOf(both), both.plugs.map(({ portId }) => portId)]).to.deep.equal([
      [["n", ["2"]]],
      ["1", "2"],
    ]);
  });

  it("has all ports of a network, and the newer word on the network", () => {
    const both = found(
      node(5, [network("n", ["2"], 1_400)]),
      node(4, [network("n", ["1"]), network("m", ["3"])]),
    );
    expect(portsOf(both)).to.deep.equal([
      ["n", ["1", "2"]],
      ["m", ["3"]],
    ]);
    expect(both.networking).to.deep.include({ version: 5 });
    expect(both.networking?.networks[0]?.mtuBytes).to.equal(1_400);
  });

  it("has a port that two nodes have where the newer picture has it", () => {
    const left = node(4, [network("n", ["1"])], { plugs: [plug("1", "/old")] });
    const has = node(9, [network("n", ["1"])], { plugs: [plug("1", "/new")] });
    expect(found(left, has).plugs).to.deep.equal([plug("1", "/new")]);
    expect(found(has, left).plugs).to.deep.equal([plug("1", "/new")]);
  });

  it("has the routers of all, as the newest picture has them that has one of their networks", () => {
    const router = (id: string, networkIds: readonly string[], outside = false): RouterPicture => ({
      ...{ id, routes: [], floating: [], outside: outside ? outsideOf() : null },
      interfaces: networkIds.map((networkId) => ({
        ...{ portId: `${id}-${networkId}`, networkId, mac: "fa:16:3e:00:00:01", subnetId: "s" },
        address: "10.0.0.1",
      })),
    });
    const at = (version: number, networkIds: readonly string[], routers: RouterPicture[]) => {
      const networks = networkIds.map((id) => network(id, []));
      return { networking: { version, networks, groups: [], routers }, plugs: [] };
    };
    const routersOf = (...states: readonly SwitchState[]) =>
      found(...states).networking?.routers?.map(({ id, outside }) => [id, outside !== null]);
    const old = at(4, ["a", "b"], [router("1", ["a"]), router("2", ["a", "b"]), router("3", ["b"])]);
    const fresh = at(5, ["a"], [router("1", ["a"], true)]);
    expect(routersOf(old, fresh)?.sort()).to.deep.equal([
      ["1", true],
      ["3", false],
    ]);
    expect(routersOf(old, at(5, ["c"], []))).to.have.length(3);
    expect(routersOf(fresh, at(6, ["a"], []))).to.equal(undefined);
    const [first, second] = [exitOf("x1", "n1"), exitOf("x2", "n2")];
    expect(found({ ...old, exits: [first] }, { ...fresh, exits: [second] }).exits).to.have.deep.members([
      ...[first, second],
    ]);
  });

  it("takes rules from whoever has a port in the group, and members from whoever names it, the newest first", () => {
    const own = group("g", [rule(22, "far")]);
    const owner = node(4, [network("n", ["1"])], {}, [own, group("far", [], ["10.0.0.2/32"])]);
    const names = { ...network("n", []), ports: [port("2", ["other"])] };
    const namer = node(9, [names], {}, [group("other", [rule(80, "g")]), group("g", [], ["10.0.0.1/32"])]);
    expect(rulesOf(found(owner, namer))).to.deep.equal([
      ["g", [22], ["10.0.0.1/32"]],
      ["far", [], ["10.0.0.2/32"]],
      ["other", [80], []],
    ]);
    const revoked = node(10, [network("n", ["3"])], {}, [group("g", [])]);
    expect(rulesOf(found(owner, revoked))?.[0]).to.deep.equal(["g", [], []]);
  });
});
