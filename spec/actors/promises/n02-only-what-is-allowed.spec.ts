/** N2 and N6: a picture that was never true is found, and so is one that never arrives. */
import { expect } from "chai";
import type { Committed, Fact } from "../../../actors/promises/facts.ts";
import { onlyWhatIsAllowed } from "../../../actors/promises/n02-only-what-is-allowed.ts";
import { picturesArrive } from "../../../actors/promises/n06-pictures-arrive.ts";
import { NetworkingHistory } from "../../../actors/promises/networking-history.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { network } from "../../../protocol/network.ts";
import type { HostNetworking } from "../../../protocol/networking.ts";
import { address, groupMembership, plug, port } from "../../../protocol/port.ts";
import { securityGroup, securityGroupRule } from "../../../protocol/security-group.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import * as rows from "../../support/store-rows.ts";
import { amounts, committed, judged, quiet } from "./worlds.ts";

const made = (resource: Resource, row: object) => ({
  ...{ resource, made: { createdAtMs: 1, version: 1, name: "x", ...row } as ResourceRow },
});
const rule = (id: string, portMin: number) =>
  made(securityGroupRule, {
    ...{ id, groupId: "g", direction: "ingress", ipVersion: 4, protocol: 6, portMin, portMax: portMin },
    ...{ remoteCidr: null, remoteGroupId: null },
  });
const driversAt = (underlay: string) => ({
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
  networking: { mtuBytesMax: 1_450, spansHosts: true, underlay },
});
const instance = rows.instance("i", { ownerEpoch: 1, interfaces: [rows.plugged("p")] });
const claim = { instanceId: "i", ownerEpoch: 1, hostId: "h", ...amounts(1), leaseEpoch: 1, numa: null };

/** A guest on host h, with a port in a group of one rule; then another rule comes, and the first one goes. */
const begins: Commit = {
  instances: [{ expectedVersion: 0, row: instance }],
  claims: [claim],
  rows: [
    ...[
      made(network, { id: "n", number: 1, mtuBytes: 1_450 }),
      made(securityGroup, { id: "g" }),
      rule("r1", 22),
    ],
    made(port, { id: "p", networkId: "n", mac: "m", portSecurity: true, addressPairs: [] }),
    made(address, { id: "a", name: "10.0.0.2", subnetId: "s", portId: "p" }),
    made(groupMembership, { id: "b", groupId: "g", portId: "p" }),
  ],
};
const commits = [
  committed(begins, { lastSequence: 1 }),
  committed({ rows: [rule("r2", 80)] }, { lastSequence: 2 }),
  committed({ rows: [{ resource: securityGroupRule, removed: "r1" }] }, { lastSequence: 3 }),
];

function at(version: number, of: readonly Committed[] = commits.slice(0, version)): HostNetworking {
  const history = new NetworkingHistory();
  for (const one of of) history.apply(one);
  return { ...history.now("h"), version };
}
const applied = (networking: HostNetworking, hostId = "h"): Fact => ({
  kind: "applied",
  atMs: 0,
  hostId,
  networking,
});
const found = (...facts: readonly Fact[]) => judged(onlyWhatIsAllowed(), [...commits, ...facts]);
const portsOf = ({ groups }: HostNetworking) =>
  groups.flatMap((one) => one.rules.map(({ portMin }) => portMin));

describe("promise N2", () => {
  it("is kept by pictures of each moment, one after the other", () => {
    expect([1, 2, 3].map((version) => portsOf(at(version)))).to.deep.equal([[22], [22, 80], [80]]);
    expect(found(applied(at(1)), applied(at(2)), applied(at(2)), applied(at(3)))).to.deep.equal([]);
  });

  it("is broken by a picture of two moments, of another host, and of a moment that is over", () => {
    const [first, last] = [at(1), at(3)];
    const mixed = { ...last, groups: first.groups };
    expect(found(applied(mixed))[0]).to.match(
      /^Host h applies a picture that was never true: .* as of event 3,/,
    );
    expect(found(applied(at(3), "other"))[0]).to.match(/^Host other applies a picture that was never true/);
    expect(found(applied(last), applied(first))).to.deep.equal(["Host h goes back from event 3 to event 1."]);
  });

  it("is broken by a picture with a guest whose port, address or group is gone, or that is elsewhere", () => {
    const before = at(3);
    const gone = [
      { rows: [{ resource: port, removed: "p" }] },
      { rows: [{ resource: address, removed: "a" }] },
      { rows: [{ resource: groupMembership, removed: "b" }] },
      {
        claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }],
        claims: [{ ...claim, ownerEpoch: 2, hostId: "k" }],
      },
    ];
    for (const commit of gone) {
      const facts = [...commits, committed(commit, { lastSequence: 4 }), applied({ ...before, version: 4 })];
      expect(judged(onlyWhatIsAllowed(), facts), JSON.stringify(commit)).to.have.length(1);
    }
  });
});

describe("promise N2, ports of other hosts", () => {
  const other = rows.instance("j", { ownerEpoch: 1, interfaces: [rows.plugged("q")] });
  const plugged = (id: string, deviceId: string) =>
    made(plug, { id, name: id, portId: id, device: "instance", deviceId, deleteWithInstance: true });
  const on = (hostId: string, underlay: string) => rows.inventory(hostId, { drivers: driversAt(underlay) });
  const spread = (hostId: string) => [
    ...commits,
    committed({ hosts: [on("h", "192.0.2.1"), on("k", "192.0.2.2"), on("l", "192.0.2.1")] }),
    committed(
      {
        instances: [{ expectedVersion: 0, row: other }],
        claims: [{ ...claim, instanceId: "j", hostId }],
        rows: [
          ...[plugged("p", "i"), plugged("q", "j")],
          made(port, { id: "q", networkId: "n", mac: "m2", portSecurity: true, addressPairs: [] }),
          made(address, { id: "c", name: "10.0.0.3", subnetId: "s", portId: "q" }),
        ],
      },
      { lastSequence: 4 },
    ),
  ];
  const far = (host: string) => [
    { networkId: "n", host, ports: [{ id: "q", mac: "m2", addresses: ["10.0.0.3"], addressPairs: [] }] },
  ];
  const foundOf = (hostId: string, told: HostNetworking["far"]) => {
    const facts = spread(hostId);
    return judged(onlyWhatIsAllowed(), [...facts, applied({ ...at(4, facts), far: told })]).length;
  };

  it("is kept by a port that is said to be at the underlay of its instance's host, or is on this computer", () => {
    expect(foundOf("k", far("192.0.2.2"))).to.equal(0);
    expect(foundOf("l", undefined)).to.equal(0);
  });

  it("is broken by a port that is somewhere else, or is left out", () => {
    for (const told of [far("192.0.2.3"), far("192.0.2.1"), undefined])
      expect(foundOf("k", told)).to.equal(1);
    expect(foundOf("l", far("192.0.2.1"))).to.equal(1);
  });
});

describe("promise N6", () => {
  const end = (has: HostNetworking | null, ports = 1) =>
    judged(picturesArrive(), [...commits, quiet({ networks: [{ hostId: "h", ports, applied: has }] })]);

  it("is kept by a host that has what there is, whatever its number, and by one without guests", () => {
    expect(end({ ...at(3), version: 9 })).to.deep.equal([]);
    expect(end(null, 0)).to.deep.equal([]);
  });

  it("is broken by a host that is behind for good, or has nothing", () => {
    expect(end(at(2))[0]).to.match(/^Host h has applied .* for good, and not /);
    expect(end(null)[0]).to.match(/^Host h has applied nothing for good, and not /);
  });
});
