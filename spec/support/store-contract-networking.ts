/** What every Store must say of the networks of one host. */
import { expect } from "chai";
import { pictureOf } from "../../actors/control/networking/picture.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { RowChange } from "../../actors/records/rows.ts";
import { floatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import { network, subnet } from "../../protocol/network.ts";
import { address, groupMembership, plug, port } from "../../protocol/port.ts";
import { publishedPort } from "../../protocol/published-port.ts";
import { router, routerInterface } from "../../protocol/router.ts";
import { securityGroup, securityGroupRule } from "../../protocol/security-group.ts";
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { numberOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";

const made = (resource: Resource, row: object): RowChange => ({
  resource,
  made: { createdAtMs: rows.wallMs, version: 1, ...row } as ResourceRow,
});
const drivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};
const macOf = (n: number): string => `52:54:00:00:00:${n}`;
const pair = { cidr: "10.7.0.0/16", mac: null };
const bandwidth = { ingress: null, egress: { kilobitsPerSecond: 20_000, burstKilobits: 2_000 } };
const match = { ipVersion: 4, protocol: 6, portMin: 22, portMax: 80, remoteCidr: null, remoteGroupId: null };

/**
 * Two networks, a port on each of three hosts, two groups: the first lets in what the second has, and is the
 * group of the first port; all others have the second.
 */
function world({ id, project }: Pick<ReturnType<typeof rows.names>, "id" | "project">) {
  const owned = (n: number) => ({ id: id(n), project, name: id(n) });
  const onNetwork = (n: number) =>
    made(network, {
      ...owned(n),
      number: numberOf(id(n)),
      mtuBytes: 1_450,
      ...{ shared: false, external: false, physicalNetwork: null },
    });
  const subnetOf = (n: number, networkId: string, cidr: string) =>
    made(subnet, {
      ...{ ...owned(n), networkId, cidr, gateway: null, pools: [], dnsServers: ["192.0.2.53"] },
      ...{ hostRoutes: [{ destination: "10.9.0.0/16", nextHop: "10.0.0.9" }], dhcp: true, shared: false },
    });
  const portOf = (n: number, networkId: string, group: number) => [
    made(port, {
      ...{ ...owned(n), networkId, mac: `52:54:00:00:00:${n}`, portSecurity: true },
      addressPairs: n === 12 ? [pair] : [],
      bandwidth: n === 11 ? bandwidth : null,
    }),
    made(address, { id: id(n + 20), name: `10.0.0.${n}`, subnetId: id(3), portId: id(n) }),
    made(groupMembership, { id: id(n + 40), name: id(group), groupId: id(group), portId: id(n) }),
  ];
  const ruleOf = (n: number, groupId: string, more: object) =>
    made(securityGroupRule, {
      ...owned(n),
      groupId,
      direction: "ingress",
      ...match,
      ...more,
      description: null,
    });
  return [
    ...[onNetwork(1), onNetwork(2), subnetOf(3, id(1), "10.0.0.0/24"), subnetOf(4, id(2), "10.0.0.0/24")],
    ...[
      made(securityGroup, { ...owned(5), description: null }),
      made(securityGroup, { ...owned(6), description: null }),
    ],
    ...[ruleOf(7, id(5), { remoteGroupId: id(6) }), ruleOf(8, id(6), { remoteCidr: "192.0.2.0/24" })],
    ...[...portOf(11, id(1), 5), ...portOf(12, id(1), 6), ...portOf(13, id(2), 6)],
  ];
}

export function networkingContract(get: () => Store): void {
  it("says of a host what its guests' networks are, as of one moment, and nothing of others", async () => {
    const [store, { id, project, host }] = [get(), rows.names()];
    const [first, second] = [`${host}-1`, `${host}-2`];
    await store.commit({ hosts: [rows.inventory(first), rows.inventory(second)] });
    await store.commit({ rows: world({ id, project }) });
    const guest = async (n: number, ports: readonly number[], hostId: string) => {
      const interfaces = ports.map((one) => rows.plugged(id(one)));
      const row = rows.instance(id(n), { project, ownerEpoch: 1, interfaces });
      const claims = [rows.claim(id(n), hostId)];
      expect((await store.commit({ instances: [{ expectedVersion: 0, row }], claims })).kind).to.equal(
        "committed",
      );
    };
    await guest(71, [11], first);
    const published = { hostPort: 40_000 + (numberOf(id(1)) % 20_000), address: "127.0.0.1", port: 80 };
    const plugged = { device: "instance", deviceId: id(71), deleteWithInstance: true };
    const leads = { id: id(81), project, name: "p", protocol: "tcp", portId: id(11), ...published };
    const plugIn = made(plug, { id: id(11), name: id(11), portId: id(11), ...plugged });
    const publish = (given: object) => store.commit({ rows: [made(publishedPort, { ...leads, ...given })] });
    expect(await publish({})).to.deep.equal({ kind: "missing", noun: "plug", id: id(11) });
    expect((await store.commit({ rows: [plugIn, made(publishedPort, leads)] })).kind).to.equal("committed");
    expect(await publish({ id: id(82), port: 81 }), "the host's port").to.deep.equal({ kind: "nameTaken" });
    const again = await publish({ id: id(82), hostPort: published.hostPort + 1 });
    expect(again, "the guest's port").to.deep.equal({ kind: "nameTaken" });
    await guest(72, [12, 13], second);
    const { version, networks, groups } = pictureOf(await store.networking.ofHost(first));
    expect(version).to.equal(await store.events.lastSequence());
    expect(networks).to.deep.equal([
      {
        ...{ id: id(1), number: numberOf(id(1)), mtuBytes: 1_450 },
        subnets: [
          {
            ...{ id: id(3), cidr: "10.0.0.0/24", gateway: null, dnsServers: ["192.0.2.53"], dhcp: true },
            hostRoutes: [{ destination: "10.9.0.0/16", nextHop: "10.0.0.9" }],
          },
        ],
        ports: [
          {
            ...{ id: id(11), instanceId: id(71), mac: "52:54:00:00:00:11", portSecurity: true },
            ...{
              addressPairs: [],
              addresses: [{ subnetId: id(3), address: "10.0.0.11" }],
              groupIds: [id(5)],
              bandwidth,
            },
            published: [{ id: id(81), ...published }],
          },
        ],
      },
    ]);
    expect(groups).to.deep.equal([
      { id: id(5), rules: [{ direction: "ingress", ...match, remoteGroupId: id(6) }], members: [] },
      { id: id(6), rules: [], members: ["10.0.0.12/32", "10.0.0.13/32", pair.cidr] },
    ]);
    const loaded = await store.instances.get(id(71));
    if (loaded === undefined) throw new Error("It was committed.");
    const change = { kind: "leaving", generation: 2 } as const;
    const row = rows.next(loaded.instance, { interfaces: [{ ...rows.plugged(id(11)), change }] });
    expect(
      (await store.commit({ instances: [{ expectedVersion: loaded.instance.version, row }] })).kind,
    ).to.equal("committed");
    const still = await store.networking.ofHost(first);
    expect([still.ports.length, still.published], "it is on its way out").to.deep.equal([1, []]);
    const unplug: RowChange = { resource: plug, removed: id(11) };
    expect((await store.commit({ rows: [unplug] })).kind).to.equal("committed");
    expect((await store.networking.ofHost(first)).published, "it goes with the plug").to.deep.equal([]);
    const other = pictureOf(await store.networking.ofHost(second));
    expect(other.networks.map((one) => one.ports.map((on) => on.id))).to.deep.equal([[id(12)], [id(13)]]);
    expect(other.groups.map((one) => [one.id, one.rules.length])).to.deep.equal([[id(6), 1]]);
  });

  it("says which ports of its networks are on hosts with another underlay, and where", async () => {
    const [store, { id, project, host }] = [get(), rows.names()];
    const [first, second, same, without] = ["1", "2", "3", "4"].map((n) => `${host}-${n}`) as [
      ...[string, string, string, string],
    ];
    const on = (hostId: string, underlay: string | null) =>
      rows.inventory(hostId, {
        drivers: { ...drivers, networking: { mtuBytesMax: 1_450, spansHosts: underlay !== null, underlay } },
      });
    const hosts = [on(first, "192.0.2.1"), on(second, "192.0.2.2"), on(same, "192.0.2.1"), on(without, null)];
    await store.commit({ hosts });
    const ports = [11, 12, 14, 15];
    const portOf = (n: number) => [
      made(port, {
        ...{ id: id(n), project, name: id(n), networkId: id(1), mac: `52:54:00:00:00:${n}` },
        ...{ portSecurity: true, addressPairs: n === 12 ? [pair] : [], bandwidth: null },
      }),
      made(address, { id: id(n + 20), name: `10.0.0.${n}`, subnetId: id(3), portId: id(n) }),
    ];
    const others = world({ id, project }).filter(({ resource }) =>
      [network, subnet].some((one) => one.table === resource.table),
    );
    const plugs = ports.map((n) =>
      made(plug, {
        ...{ id: id(n), name: id(n), portId: id(n), device: "instance", deviceId: id(n + 60) },
        deleteWithInstance: true,
      }),
    );
    await store.commit({ rows: [...others, ...ports.flatMap(portOf), ...plugs] });
    const places = [first, second, same, without];
    for (const [at, n] of ports.entries()) {
      const interfaces = [rows.plugged(id(n))];
      const row = rows.instance(id(n + 60), { project, ownerEpoch: 1, interfaces });
      const claims = [rows.claim(id(n + 60), places[at] ?? "")];
      const result = await store.commit({ instances: [{ expectedVersion: 0, row }], claims });
      expect(result.kind).to.equal("committed");
    }
    const of = async (hostId: string) => pictureOf(await store.networking.ofHost(hostId)).far;
    const farPort = (n: number, addressPairs: readonly object[] = []) => ({
      ...{ id: id(n), mac: `52:54:00:00:00:${n}`, addresses: [`10.0.0.${n}`], addressPairs },
    });
    const networkId = id(1);
    expect(await of(first)).to.deep.equal([{ networkId, host: "192.0.2.2", ports: [farPort(12, [pair])] }]);
    expect(await of(second)).to.deep.equal([
      { networkId, host: "192.0.2.1", ports: [farPort(11), farPort(14)] },
    ]);
    expect(await of(without)).to.equal(undefined);
  });

  it("says which routers lead on from its networks, by however many, and which floating addresses are its", async () => {
    const [store, { id, project, host }] = [get(), rows.names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const owned = (n: number) => ({ id: id(n), project, name: id(n) });
    const onNetwork = (n: number, physicalNetwork: string | null) => {
      const kind = { mtuBytes: 1_450, shared: false, external: physicalNetwork !== null, physicalNetwork };
      return made(network, { ...owned(n), number: numberOf(id(n)), ...kind });
    };
    const subnetOf = (n: number, networkId: string, cidr: string) =>
      made(subnet, {
        ...{ ...owned(n), networkId, cidr, gateway: cidr.replace("0/24", "1"), pools: [], dnsServers: [] },
        ...{ hostRoutes: [], dhcp: true, shared: false },
      });
    /** The subnet of network n is n + 10. */
    const portOf = (n: number, on: number, text: string) => [
      made(port, { ...owned(n), networkId: id(on), mac: macOf(n), portSecurity: true, addressPairs: [] }),
      made(address, { id: id(n + 100), name: text, subnetId: id(on + 10), portId: id(n) }),
    ];
    const routerOf = (n: number, externalNetworkId: string | null, routes: readonly object[]) =>
      made(router, { ...owned(n), externalNetworkId, snat: true, routes });
    const gate = (n: number, routerId: string, on: number, text: string) => [
      ...portOf(n, on, text),
      made(routerInterface, {
        ...{ id: id(n), name: id(n), routerId, networkId: id(on), subnetId: id(on + 10), portId: id(n) },
        deletesPort: true,
      }),
    ];
    const route = { destination: "10.3.0.0/24", nextHop: "10.2.0.9" };
    await store.commit({
      rows: [
        ...[onNetwork(1, null), onNetwork(2, null), onNetwork(3, null), onNetwork(4, null)],
        ...[onNetwork(9, "public"), subnetOf(19, id(9), "192.0.2.0/24")],
        ...[subnetOf(11, id(1), "10.1.0.0/24"), subnetOf(12, id(2), "10.2.0.0/24")],
        ...[subnetOf(13, id(3), "10.3.0.0/24"), subnetOf(14, id(4), "10.4.0.0/24")],
        ...[routerOf(21, id(9), [route]), routerOf(22, null, []), routerOf(23, null, [])],
        ...[...gate(31, id(21), 1, "10.1.0.1"), ...gate(32, id(21), 2, "10.2.0.1")],
        ...[...gate(33, id(22), 2, "10.2.0.9"), ...gate(34, id(22), 3, "10.3.0.1")],
        ...gate(35, id(23), 4, "10.4.0.1"),
        ...[...portOf(41, 1, "10.1.0.5"), ...portOf(42, 9, "192.0.2.7")],
        made(floatingIp, { id: id(51), project, name: "192.0.2.7", networkId: id(9), portId: id(42) }),
        made(floatingTarget, {
          ...{ id: id(52), name: id(51), floatingId: id(51), portId: id(41), address: "10.1.0.5" },
          interfaceId: id(31),
        }),
      ],
    });
    const row = rows.instance(id(71), { project, ownerEpoch: 1, interfaces: [rows.plugged(id(41))] });
    const result = await store.commit({
      instances: [{ expectedVersion: 0, row }],
      claims: [rows.claim(id(71), host)],
    });
    expect(result.kind).to.equal("committed");
    const { networks, routers = [] } = pictureOf(await store.networking.ofHost(host));
    expect(networks.map((one) => [one.id, one.ports.length, one.subnets.length])).to.deep.equal([
      [id(1), 1, 1],
      [id(2), 0, 1],
      [id(3), 0, 1],
    ]);
    const gateIn = (n: number, on: number, text: string) => ({
      ...{ portId: id(n), networkId: id(on), mac: macOf(n), subnetId: id(on + 10), address: text },
    });
    expect(routers).to.deep.equal([
      {
        ...{ id: id(21), routes: [route] },
        interfaces: [gateIn(31, 1, "10.1.0.1"), gateIn(32, 2, "10.2.0.1")],
        outside: {
          ...{ networkId: id(9), physicalNetwork: "public", mtuBytes: 1_450, snat: true },
          subnets: [{ cidr: "192.0.2.0/24", gateway: "192.0.2.1" }],
        },
        floating: [{ id: id(51), address: "192.0.2.7", portId: id(41), target: "10.1.0.5" }],
      },
      {
        ...{ id: id(22), routes: [], outside: null, floating: [] },
        interfaces: [gateIn(33, 2, "10.2.0.9"), gateIn(34, 3, "10.3.0.1")],
      },
    ]);
    const remove = (resource: Resource, removed: string) => store.commit({ rows: [{ resource, removed }] });
    expect((await remove(routerInterface, id(31))).kind, "a floating address leads by it").to.equal("inUse");
    expect((await remove(router, id(22))).kind, "it has interfaces").to.equal("inUse");
  });

  it("says nothing to a host whose guest another one owns now, or that has none", async () => {
    const [store, { id, project, host }] = [get(), rows.names()];
    const [old, present] = [`${host}-1`, `${host}-2`];
    await store.commit({ hosts: [rows.inventory(old), rows.inventory(present)] });
    await store.commit({ rows: world({ id, project }) });
    const row = rows.instance(id(71), { project, ownerEpoch: 2, interfaces: [rows.plugged(id(11))] });
    const claims = [rows.claim(id(71), old), rows.claim(id(71), present, { ownerEpoch: 2 })];
    expect((await store.commit({ instances: [{ expectedVersion: 0, row }], claims })).kind).to.equal(
      "committed",
    );
    const of = async (hostId: string) => pictureOf(await store.networking.ofHost(hostId)).networks.length;
    expect([await of(old), await of(present), await of(`${host}-3`)]).to.deep.equal([0, 1, 0]);
  });
}
