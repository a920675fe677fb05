/**
 * What every Store must do with the numbers of hosts and operations; a part of the contract in
 * store-contract.ts.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

/** What a noun needs of the contract. */
interface Numbered {
  readonly noun: string;
  /** Commits the first version of one, or the next. */
  readonly write: (store: Store, id: string, again: boolean) => Promise<{ readonly kind: string }>;
  readonly read: (store: Store, id: string) => Promise<number | undefined>;
}

const numbered: readonly Numbered[] = [
  {
    noun: "hosts",
    write: (store, id, again) =>
      store.commit({ hosts: [rows.inventory(id, again ? { bootId: "boot-2", name: "another" } : {})] }),
    read: async (store, id) => (await store.hosts.get(id))?.number,
  },
  {
    noun: "operations",
    write: async (store, id, again) => {
      const before = again ? (await store.instances.load(id))?.instance : undefined;
      const row = before === undefined ? rows.instance(id) : rows.next(before);
      return store.commit(
        rows.changeTurn(row, { operations: [rows.operation(id, id, again ? { percent: 50 } : {})] }),
      );
    },
    read: async (store, id) => (await store.operations.get(id))?.operation.number,
  },
];

export function numberContract(get: () => Store, another: () => Promise<Store>): void {
  for (const { noun, write, read } of numbered) {
    it(`numbers ${noun} when they are made, and lets each keep its number`, async () => {
      const [store, { id }] = [get(), names()];
      for (const again of [false, true, true])
        expect((await write(store, id(1), again)).kind).to.equal("committed");
      const first = (await read(store, id(1))) ?? 0;
      expect(first).to.be.above(0);
      expect((await write(store, id(1), true)).kind).to.equal("committed");
      expect(await read(store, id(1))).to.equal(first);
      await write(store, id(2), false);
      // What is there takes no number: those of an API must not run away.
      expect(await read(store, id(2))).to.equal(first + 1);
    });

    it(`gives no two ${noun} one number, whoever commits them at once`, async () => {
      const [one, other, { id }] = [get(), await another(), names()];
      const ids = Array.from({ length: 40 }, (_, at) => id(at));
      const results = await Promise.all(ids.map((own, at) => write(at % 2 === 0 ? one : other, own, false)));
      expect(new Set(results.map(({ kind }) => kind))).to.deep.equal(new Set(["committed"]));
      const given = await Promise.all(ids.map((own) => read(one, own)));
      expect(given.filter((number) => (number ?? 0) > 0)).to.have.length(ids.length);
      expect(new Set(given).size).to.equal(ids.length);
    });
  }

  it("gives no number again, neither after a refusal nor when a host that was removed comes back", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const { number: first = 0, version = 0 } = (await store.hosts.get(host)) ?? {};
    const refused = {
      hostsExpected: [{ hostId: host, version: version + 1 }],
      hosts: [rows.inventory(id(1))],
    };
    expect((await store.commit(refused)).kind).to.equal("conflict");
    expect(await store.hosts.get(id(1))).to.equal(undefined);
    await store.commit({ hostsRemoved: [{ hostId: host, parked: true }] });
    await store.commit({ hosts: [rows.inventory(host)] });
    expect((await store.hosts.get(host))?.number).to.be.above(first);
  });

  it("shows an instance's operation with its number as soon as it is loaded, and in every list", async () => {
    const [store, { id }] = [get(), names()];
    const row = rows.instance(id(1), { operationId: id(2) });
    await store.commit(rows.changeTurn(row, { operations: [rows.operation(id(2), id(1))] }));
    const { number } = (await store.operations.get(id(2)))?.operation ?? {};
    expect(number).to.be.a("number");
    expect((await store.instances.load(id(1)))?.operation?.number).to.equal(number);
    const { rows: listed } = await store.operations.list({ entityIds: [id(1)], limit: 10 });
    expect(listed.map(({ operation }) => operation.number)).to.deep.equal([number]);
  });

  it("reads the number of a host alike by itself, in pages and with all others", async () => {
    const [store, { host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const { number } = (await store.hosts.get(host)) ?? {};
    const ways = [
      await store.hosts.called(host),
      await store.hosts.list({ limit: 1_000 }),
      await store.hosts.all(),
    ];
    const found = ways.map((hosts) => hosts.find(({ id }) => id === host)?.number);
    expect(found).to.deep.equal([number, number, number]);
  });
}
