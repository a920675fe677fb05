/** What every Store must do with networks and what is on them. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { RowChange } from "../../actors/records/rows.ts";
import { network, subnet } from "../../protocol/network.ts";
import { address, plug, port } from "../../protocol/port.ts";
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { numberOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const made = (resource: Resource, row: object): RowChange => ({
  resource,
  made: { createdAtMs: rows.wallMs, version: 1, ...row } as ResourceRow,
});

const removed = (resource: Resource, id: string): RowChange => ({ resource, removed: id });

function world({ id, project }: Pick<ReturnType<typeof names>, "id" | "project">) {
  const owned = (n: number) => ({ id: id(n), project, name: id(n) });
  return {
    network: (n: number, more: object = {}) =>
      made(network, {
        ...{ ...owned(n), number: numberOf(id(n)), mtuBytes: 1_450, shared: false, external: false },
        ...more,
      }),
    subnet: (n: number, networkId: string, cidr: string) =>
      made(subnet, {
        ...owned(n),
        ...{
          networkId,
          cidr,
          gateway: null,
          pools: [],
          dnsServers: [],
          hostRoutes: [],
          dhcp: true,
          shared: false,
        },
      }),
    port: (n: number, networkId: string, mac: string) =>
      made(port, {
        ...owned(n),
        ...{ networkId, mac, portSecurity: true, addressPairs: [], bandwidth: null },
      }),
    address: (n: number, subnetId: string, portId: string, text: string) =>
      made(address, { id: id(n), name: text, subnetId, portId }),
    plug: (n: number, portId: string) =>
      made(plug, {
        ...{ id: id(n), name: portId, portId, device: "instance", deviceId: id(n), deleteWithInstance: true },
      }),
  };
}

export function networksContract(get: () => Store): void {
  const commit = (changes: readonly RowChange[]) => get().commit({ rows: changes } satisfies Commit);

  it("reads rows with those that refer to them, as it reads both apart", async () => {
    const { id, project } = names();
    const { network: n, subnet: s } = world({ id, project });
    const own = await commit([n(1), n(2), s(4, id(1), "10.1.0.0/24"), s(3, id(1), "fd00::/64")]);
    expect(own.kind).to.equal("committed");
    const store = get();
    const wanted = { owner: { project }, part: subnet, by: "networkId" } as const;
    const rowsOf = async (key: string) => store.rows.calledWith(network, key, wanted);
    const parts = await store.rows.list(subnet, { limit: 9, refers: { networkId: [id(1)] } });
    expect(parts).to.have.length(2);
    const [row] = await store.rows.called(network, id(1));
    expect(await rowsOf(id(1))).to.deep.equal([{ row, parts }]);
    expect((await rowsOf(id(2))).map((one) => one.parts)).to.deep.equal([[]]);
    expect(
      await store.rows.calledWith(network, id(1), { ...wanted, owner: { project: id(8) } }),
    ).to.deep.equal([]);
  });

  it("keeps the subnets of a network apart, whatever their prefixes", async () => {
    const { id, project } = names();
    const made = world({ id, project });
    await commit([made.network(1), made.network(2), made.subnet(3, id(1), "10.0.0.0/24")]);
    const overlapping = await commit([made.subnet(4, id(1), "10.0.0.64/26")]);
    expect(overlapping).to.deep.equal({ kind: "nameTaken" });
    expect(await commit([made.subnet(4, id(1), "10.0.0.0/8")])).to.deep.equal({ kind: "nameTaken" });
    expect((await commit([made.subnet(4, id(2), "10.0.0.0/24")])).kind).to.equal("committed");
    expect((await commit([made.subnet(5, id(1), "10.0.1.0/24")])).kind).to.equal("committed");
    const both = [made.subnet(6, id(2), "fd00::/64"), made.subnet(7, id(2), "fd00::/48")];
    expect(await commit(both)).to.deep.equal({ kind: "nameTaken" });
    const fourAndSix = [made.subnet(6, id(2), "fd00::/64"), made.subnet(7, id(2), "192.0.2.0/24")];
    expect((await commit(fourAndSix)).kind).to.equal("committed");
  });

  it("gives an address of a subnet, and a MAC of a network, to one port only", async () => {
    const { id, project } = names();
    const made = world({ id, project });
    await commit([made.network(1), made.network(2), made.subnet(3, id(1), "10.0.0.0/24")]);
    const first = [made.port(4, id(1), "52:54:00:00:00:01"), made.address(5, id(3), id(4), "10.0.0.2")];
    expect((await commit(first)).kind).to.equal("committed");
    const sameMac = await commit([made.port(6, id(1), "52:54:00:00:00:01")]);
    expect(sameMac).to.deep.equal({ kind: "nameTaken" });
    const elsewhere = [made.port(6, id(2), "52:54:00:00:00:01")];
    expect((await commit(elsewhere)).kind).to.equal("committed");
    const sameAddress = [made.port(7, id(1), "52:54:00:00:00:02"), made.address(8, id(3), id(7), "10.0.0.2")];
    expect(await commit(sameAddress)).to.deep.equal({ kind: "nameTaken" });
    expect(await get().rows.called(port, id(7))).to.deep.equal([]);
    const moved = [removed(address, id(5)), ...sameAddress];
    expect((await commit(moved)).kind).to.equal("committed");
  });

  it("keeps what something refers to, and says what is missing", async () => {
    const { id, project } = names();
    const made = world({ id, project });
    await commit([made.network(1), made.subnet(3, id(1), "10.0.0.0/24")]);
    await commit([made.port(4, id(1), "52:54:00:00:00:01"), made.address(5, id(3), id(4), "10.0.0.2")]);
    await commit([made.plug(6, id(4))]);
    for (const [resource, n] of [
      [network, 1],
      [subnet, 3],
      [port, 4],
    ] as const)
      expect(await commit([removed(resource, id(n))]), resource.noun).to.deep.equal({ kind: "inUse" });
    expect(await commit([made.subnet(8, id(9), "10.0.0.0/24")])).to.deep.equal(
      rows.missing("network", id(9)),
    );
    expect(await commit([made.plug(7, id(4))])).to.deep.equal({ kind: "nameTaken" });
    // Its addresses are parts of a port, and go with it.
    const all = [removed(plug, id(6)), removed(port, id(4)), removed(subnet, id(3)), removed(network, id(1))];
    expect((await commit(all)).kind).to.equal("committed");
    expect(await get().rows.called(address, id(5))).to.deep.equal([]);
  });

  it("makes an instance with its ports, or nothing of both, and lets go of them with it", async () => {
    const [store, { id, project }] = [get(), names()];
    const on = world({ id, project });
    await commit([on.network(1), on.subnet(3, id(1), "10.0.0.0/24")]);
    const interfacesOf = (n: number) => [
      {
        ...{ portId: id(n), networkId: id(1), mac: `52:54:00:00:00:0${n}`, mtuBytes: 1_450 },
        addresses: [{ subnetId: id(3), address: "10.0.0.2" }],
        deleteWithInstance: true,
      },
    ];
    const rowsOf = (n: number) => [
      on.port(n, id(1), `52:54:00:00:00:0${n}`),
      on.address(n + 10, id(3), id(n), "10.0.0.2"),
      made(plug, {
        id: id(n),
        name: id(n),
        portId: id(n),
        device: "instance",
        deviceId: id(n + 20),
        deleteWithInstance: true,
      }),
    ];
    const row = rows.instance(id(24), { project, interfaces: interfacesOf(4) });
    const first = { instances: [{ expectedVersion: 0, row }], rows: rowsOf(4) };
    expect((await store.commit(first)).kind).to.equal("committed");
    expect((await store.instances.load(id(24)))?.instance).to.deep.equal(row);
    expect((await store.instances.list({ project, limit: 9 })).rows[0]?.instance).to.deep.equal(row);
    const late = rows.instance(id(25), { project, interfaces: interfacesOf(5) });
    const second = { instances: [{ expectedVersion: 0, row: late }], rows: rowsOf(5) };
    expect(await store.commit(second)).to.deep.equal({ kind: "nameTaken" });
    expect(await store.instances.load(id(25))).to.equal(undefined);
    expect(await store.rows.called(port, id(5))).to.deep.equal([]);
    const gone = { ...rows.deleted(row, rows.wallMs), interfaces: [] };
    const letGo = { ...rows.changeTurn(gone), rows: [removed(plug, id(4)), removed(port, id(4))] };
    expect((await store.commit(letGo)).kind).to.equal("committed");
    expect((await store.instances.load(id(24)))?.instance.interfaces).to.deep.equal([]);
    expect((await store.commit(second)).kind).to.equal("committed");
  });

  it("has subnets that are shared as their networks are, whichever is written first", async () => {
    const [store, { id, project }] = [get(), names()];
    const made = world({ id, project });
    const shared = async (n: number) => (await store.rows.called(subnet, id(n)))[0]?.shared;
    const on = made.network(1);
    await commit([on, made.subnet(3, id(1), "10.0.0.0/24")]);
    expect(await shared(3)).to.equal(false);
    if (!("made" in on)) throw new Error("A network is made.");
    await commit([{ resource: network, changed: { ...on.made, shared: true, version: 2 } as ResourceRow }]);
    await commit([made.subnet(4, id(1), "10.0.1.0/24")]);
    expect([await shared(3), await shared(4)]).to.deep.equal([true, true]);
  });

  it("lets go of rows that are still there and still one's own, and of no others", async () => {
    const [store, { id, project }] = [get(), names()];
    const made = world({ id, project });
    await commit([made.network(1), made.subnet(2, id(1), "10.0.0.0/24")]);
    for (const n of [10, 20, 30])
      await commit([
        made.port(n, id(1), `52:54:00:00:00:${n}`),
        made.address(n + 1, id(2), id(n), `10.0.0.${n}`),
        made.plug(n + 2, id(n)),
      ]);
    const [mine, others, loose] = [10, 20, 30].map(id);
    if (mine === undefined || others === undefined || loose === undefined)
      throw new Error("There are three.");
    await commit([removed(plug, id(32))]);
    const letGo = await commit([
      ...[id(12), id(32)].map((one) => ({ resource: plug, removed: one, ifHas: { device: "instance" } })),
      { resource: plug, removed: id(22), ifHas: { device: "instance", deviceId: id(12) } },
      ...[mine, others, id(99), loose].map((one) => ({ resource: port, removed: one, ifHas: {} })),
    ]);
    expect(letGo.kind).to.equal("committed");
    const left = async (of: Resource, field: string) =>
      (await store.rows.list(of, { refers: { [field]: [id(1), mine, others, loose] }, limit: 9 })).map(
        (row) => row.id,
      );
    expect(await left(port, "networkId")).to.deep.equal([others]);
    expect(await left(plug, "portId")).to.deep.equal([id(22)]);
    expect(await left(address, "portId")).to.deep.equal([id(21)]);
  });

  it("lists what refers to one of several, and what others share", async () => {
    const [store, { id, project }] = [get(), names()];
    const made = world({ id, project });
    const other = `${project}-other`;
    await commit([
      ...[made.network(1), made.network(2), made.network(3, { project: other, shared: true })],
      ...[made.network(4, { project: other }), made.network(5, { project: other, external: true })],
      ...[made.subnet(6, id(1), "10.0.0.0/24"), made.subnet(7, id(1), "10.0.1.0/24")],
      made.subnet(8, id(2), "10.0.0.0/24"),
    ]);
    const of = async (ids: readonly string[], more: object = {}) =>
      (await store.rows.list(subnet, { refers: { networkId: ids }, limit: 9, ...more })).map((row) => row.id);
    expect(await of([id(1)])).to.deep.equal([id(6), id(7)]);
    expect(await of([id(1), id(2)])).to.deep.equal([id(6), id(7), id(8)]);
    expect(await of([id(1)], { marker: id(6), project })).to.deep.equal([id(7)]);
    expect(await of([])).to.deep.equal([]);
    const seen = await store.rows.list(network, { project, limit: 1_000 });
    const ours = seen.map((row) => row.id).filter((one) => [1, 2, 3, 4, 5].some((n) => one === id(n)));
    expect(ours).to.deep.equal([id(1), id(2), id(3), id(5)]);
    expect((await store.rows.called(network, id(4), { project })).length).to.equal(0);
    expect((await store.rows.called(network, id(3), { project })).length).to.equal(1);
    expect(await store.rows.count(network, { project })).to.equal(2);
  });
}
