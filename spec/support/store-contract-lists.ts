/**
 * The store's contract for lists: both orders with their markers, every filter with several values, patterns
 * of names, times, names beside ids, and pages that end before they find anything.
 */
import { expect } from "chai";
import type { EventQuery } from "../../actors/ports/event-reads.ts";
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { Page } from "../../actors/ports/pages.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { readLimits } from "../../db/rows/limits.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

/** Reads pages of a length until there are no more; each page in turn. */
async function pages<T>(
  read: (page: { limit: number; marker?: string }) => Promise<Page<T>>,
  limit: number,
  idOf: (row: T) => string,
): Promise<readonly (readonly string[])[]> {
  const all: string[][] = [];
  for (let marker: string | undefined, left = 50; left > 0; left -= 1) {
    const page = await read({ limit, ...(marker === undefined ? {} : { marker }) });
    all.push(page.rows.map(idOf));
    marker = page.marker;
    if (marker === undefined) return all;
  }
  throw new Error("The list has no end.");
}

const idOfInstance = ({ instance }: { readonly instance: InstanceRecord }): string => instance.id;

export function listContract(get: () => Store): void {
  const made = async (all: readonly InstanceRecord[]): Promise<void> => {
    const instances = all.map((row) => ({ expectedVersion: 0, row }));
    expect((await get().commit({ instances })).kind).to.equal("committed");
  };
  const found = async (query: InstanceQuery): Promise<string[]> =>
    (await get().instances.list(query)).rows.map(idOfInstance);

  it("lists instances in both orders, page by page, with and without tombstones", async () => {
    const [store, { id, project }] = [get(), names()];
    const all = [1, 2, 3, 4, 5].map((n) => rows.instance(id(n), { project }));
    await made(all);
    const [, second] = all;
    if (second !== undefined) await store.commit(rows.changeTurn(rows.deleted(second, rows.wallMs)));
    const read = (query: Omit<InstanceQuery, "limit">) =>
      pages((page) => store.instances.list({ project, ...query, ...page }), 2, idOfInstance);
    expect(await read({})).to.deep.equal([[id(1), id(3)], [id(4), id(5)], []]);
    expect(await read({ order: "oldest" })).to.deep.equal(await read({}));
    expect(await read({ order: "newest" })).to.deep.equal([[id(5), id(4)], [id(3), id(1)], []]);
    expect(await read({ order: "newest", deleted: true })).to.deep.equal([
      [id(5), id(4)],
      [id(3), id(2)],
      [id(1)],
    ]);
    expect(await read({ states: ["building", "failed"], order: "newest" })).to.deep.equal([
      [id(5), id(4)],
      [id(3), id(1)],
      [],
    ]);
  });

  it("filters instances by several values of each filter, alone, and all together", async () => {
    const { id, project, host } = names();
    const { flavor, image } = rows.instance("");
    const others = ["a", "b"].map((word) => `${host}-${word}`);
    const group = { id: id(90), project, name: id(90), policy: "soft-affinity", maxPerHost: null } as const;
    await get().commit(rowsOf({ serverGroups: [{ ...group, createdAtMs: rows.wallMs }] }));
    const at = (n: number) => rows.wallMs + n * 1_000;
    await made([
      rows.instance(id(1), { project, name: "web-1", createdAtMs: at(1), updatedAtMs: at(9) }),
      rows.instance(id(2), {
        ...{ project, name: "web-2", state: "running", hostId: others[0] ?? "", ownerEpoch: 1 },
        ...{ flavor: { ...flavor, name: "large" }, createdAtMs: at(2), updatedAtMs: at(2) },
      }),
      rows.instance(id(3), {
        ...{ project, name: "db-1", state: "failed", hostId: others[1] ?? "", ownerEpoch: 1 },
        ...{ image: { ...image, name: "other" }, serverGroupId: group.id, metadata: { tier: "back" } },
        ...{ createdAtMs: at(3), updatedAtMs: at(3) },
      }),
    ]);
    const filters: readonly (readonly [Omit<InstanceQuery, "limit">, readonly number[]])[] = [
      [{ ids: [id(3), id(1), "nobody"] }, [1, 3]],
      [{ names: ["db-1", "web-2", "web-2"] }, [2, 3]],
      [{ states: ["running", "failed"] }, [2, 3]],
      [{ hostIds: others }, [2, 3]],
      [{ flavors: ["large", "nothing"] }, [2]],
      [{ flavors: [flavor.id] }, [1, 2, 3]],
      [{ images: ["other", "nothing"] }, [3]],
      [{ images: [image.id] }, [1, 2, 3]],
      [{ serverGroupIds: [group.id, "nobody"] }, [3]],
      [{ metadata: { tier: "back" } }, [3]],
      [{ namePattern: "web-*" }, [1, 2]],
      [{ createdAfterMs: at(2) }, [2, 3]],
      [{ createdBeforeMs: at(2) }, [1]],
      [{ createdAfterMs: at(2), createdBeforeMs: at(3) }, [2]],
      [{ changedSinceMs: at(3) }, [1, 3]],
      [{ names: ["web-1", "web-2"], states: ["running"] }, [2]],
      [{ hostIds: others, states: ["failed"], images: ["other"], names: ["db-1"] }, [3]],
      [{ states: [] }, []],
      [{ ids: [id(1)], names: ["web-2"] }, []],
    ];
    for (const [filter, expected] of filters) {
      const seen = JSON.stringify(filter);
      const ids = expected.map(id);
      expect(await found({ project, limit: 10, ...filter }), seen).to.deep.equal(ids);
      const newest = { project, limit: 10, order: "newest", ...filter } as const;
      expect(await found(newest), `${seen} newest`).to.deep.equal([...ids].reverse());
      const deleted = { project, limit: 10, deleted: true, ...filter };
      expect(await found(deleted), `${seen} deleted`).to.deep.equal(ids);
      const everywhere = (await found({ limit: 1_000, deleted: true, ...filter })).filter((one) =>
        [id(1), id(2), id(3)].includes(one),
      );
      expect(everywhere, `${seen} of every project`).to.deep.equal(ids);
    }
  });

  it("matches patterns of names as a whole, with their signs taken for themselves where asked to", async () => {
    const { id, project } = names();
    const all = ["many-1", "many-10", "Many-1", "a_b", "axb", "50%", "5x", "a\\b", "*", "\u{1F600}s", "many"];
    await made(all.map((name, n) => rows.instance(id(n), { project, name })));
    const patterns: Readonly<Record<string, readonly string[]>> = {
      "many-*": ["many-1", "many-10"],
      "many-?": ["many-1"],
      "*any*": ["many-1", "many-10", "Many-1", "many"],
      a_b: ["a_b"],
      "a?b": ["a_b", "axb", "a\\b"],
      "5*%": ["50%"],
      "5%": [],
      "a\\\\b": ["a\\b"],
      "a\\b": [],
      "\\*": ["*"],
      "\\": [],
      "?s": ["\u{1F600}s"],
      "*": all,
      "**1*": ["many-1", "many-10", "Many-1"],
    };
    for (const [namePattern, expected] of Object.entries(patterns)) {
      const page = await get().instances.list({ project, namePattern, limit: 100 });
      const seen = page.rows.map(({ instance }) => instance.name);
      expect([...seen].sort(), namePattern).to.deep.equal([...expected].sort());
    }
  });

  it("ends a page that has met enough, and goes on behind it, so that no filter makes one page long", async function () {
    this.timeout(60_000);
    const { id, project } = names();
    const padded = (n: number) => id(100_000 + n);
    const count = readLimits.listScanMax + 3;
    const named = new Set([0, count - 1]);
    await made(
      Array.from({ length: count }, (_, n) =>
        rows.instance(padded(n), { project, name: named.has(n) ? "wanted" : "other" }),
      ),
    );
    const read = (query: Omit<InstanceQuery, "limit">) =>
      pages(
        (page) => get().instances.list({ project, namePattern: "wan*", ...query, ...page }),
        10,
        idOfInstance,
      );
    expect(await read({})).to.deep.equal([[padded(0)], [padded(count - 1)]]);
    expect(await read({ order: "newest" })).to.deep.equal([[padded(count - 1)], [padded(0)]]);
    const nothing = await get().instances.list({ project, namePattern: "none", limit: 10 });
    expect(nothing).to.deep.equal({ rows: [], marker: padded(readLimits.listScanMax - 1) });
    const byIndex = await get().instances.list({ project, names: ["wanted"], limit: 10 });
    expect(byIndex.rows.map(idOfInstance)).to.deep.equal([padded(0), padded(count - 1)]);
  });

  it("lists operations in both orders, by several values, with their instances' present names", async () => {
    const [store, { id, project }] = [get(), names()];
    const done = { project, state: "done" as const, endedAtMs: 5, percent: 100 };
    const all = [
      rows.operation(id(1), id(1), { ...done, startedAtMs: rows.wallMs }),
      rows.operation(id(2), id(2), { ...done, state: "failed", kind: "stop", startedAtMs: rows.wallMs + 5 }),
      rows.operation(id(3), id(1), { project, kind: "delete", startedAtMs: rows.wallMs + 9 }),
    ];
    const before = rows.instance(id(1), { project, name: "before" });
    const instances = [before, rows.instance(id(2), { project, name: "other" })];
    await store.commit({ instances: instances.map((row) => ({ expectedVersion: 0, row })), operations: all });
    await store.commit(rows.changeTurn(rows.next(before, { name: "after" })));
    const read = (query: Omit<OperationQuery, "limit">, limit = 2) =>
      pages(
        (page) => store.operations.list({ project, ...query, ...page }),
        limit,
        ({ operation }) => operation.id,
      );
    expect(await read({})).to.deep.equal([[id(1), id(2)], [id(3)]]);
    expect(await read({ order: "newest" })).to.deep.equal([[id(3), id(2)], [id(1)]]);
    const filters: readonly (readonly [Omit<OperationQuery, "limit">, readonly number[]])[] = [
      [{ entityIds: [id(1), "nobody"] }, [1, 3]],
      [{ entityIds: [id(1), id(2)], states: ["failed", "running"] }, [2, 3]],
      [{ states: ["running"] }, [3]],
      [{ states: ["running"], kinds: ["create"] }, []],
      [{ states: ["done", "failed"] }, [1, 2]],
      [{ kinds: ["stop", "delete"] }, [2, 3]],
      [{ sinceMs: rows.wallMs + 5 }, [2, 3]],
      [{ states: [] }, []],
    ];
    for (const [filter, expected] of filters) {
      const ids = expected.map(id);
      expect((await read(filter, 10)).flat(), JSON.stringify(filter)).to.deep.equal(ids);
      const newest = (await read({ ...filter, order: "newest" }, 10)).flat();
      expect(newest, JSON.stringify(filter)).to.deep.equal([...ids].reverse());
    }
    const named = (await store.operations.list({ project, limit: 10 })).rows;
    expect(named.map(({ instanceName }) => instanceName)).to.deep.equal(["after", "other", "after"]);
    expect(named.map(({ operation }) => rows.unnumbered(operation))).to.deep.equal(all);
    expect(await store.operations.get(id(1))).to.deep.equal(named[0]);
  });

  it("lists the newest events first, and leads to those before them", async () => {
    const [store, { id, project }] = [get(), names()];
    const before = await store.events.lastSequence();
    const told = ["accepted", "placed", "stateChanged", "stateChanged", "deleted"];
    await store.commit({
      events: told.map((name, n) => rows.event(id(1), name, { project, atMs: rows.wallMs - n })),
    });
    const read = async (query: Partial<EventQuery>) => {
      const { events, last, nextBefore } = await store.events.list({
        after: before,
        limit: 2,
        order: "newest",
        ...query,
      });
      const next = nextBefore === undefined ? undefined : nextBefore - before;
      return [events.map(({ sequence }) => sequence - before), last - before, next];
    };
    expect(await read({})).to.deep.equal([[5, 4], 5, 4]);
    expect(await read({ before: before + 4 })).to.deep.equal([[3, 2], 5, 2]);
    expect(await read({ before: before + 2 })).to.deep.equal([[1], 5, undefined]);
    expect(await read({ before: before + 1 })).to.deep.equal([[], 5, undefined]);
    expect(await read({ limit: 5 })).to.deep.equal([[5, 4, 3, 2, 1], 5, undefined]);
    expect(await read({ project, names: ["placed", "deleted"] })).to.deep.equal([[5, 2], 5, 2]);
    expect(await read({ project, nouns: ["host", "instance"], limit: 1 })).to.deep.equal([[5], 5, 5]);
    expect(await read({ id: id(1), limit: 9 })).to.deep.equal([[5, 4, 3, 2, 1], 5, undefined]);
    expect(await read({ project: "nobody" })).to.deep.equal([[], 5, undefined]);
    expect(await read({ after: 0, project, limit: 9 })).to.deep.equal([[5, 4, 3, 2, 1], 5, undefined]);
  });

  it("lists events since a time in both orders, wherever it was asked to begin", async () => {
    const [store, { id, project }] = [get(), names()];
    const before = await store.events.lastSequence();
    const apartMs = readLimits.clocksApartMsMax;
    // The third one is of a controller whose clock is slow.
    const times = [10, 11, 10.5, 12, 13].map((n) => rows.wallMs + (n - 20) * apartMs);
    await store.commit({ events: times.map((atMs) => rows.event(id(1), "placed", { project, atMs })) });
    const read = async (query: Partial<EventQuery>) => {
      const { events } = await store.events.list({ after: 0, limit: 9, project, ...query });
      return events.map(({ sequence }) => sequence - before);
    };
    expect(await read({ sinceMs: times[1] })).to.deep.equal([2, 4, 5]);
    expect(await read({ sinceMs: times[1], order: "newest" })).to.deep.equal([5, 4, 2]);
    expect(await read({ sinceMs: times[2] })).to.deep.equal([2, 3, 4, 5]);
    expect(await read({ sinceMs: rows.wallMs - 6 * apartMs })).to.deep.equal([]);
    expect(await read({ sinceMs: 0 })).to.deep.equal([1, 2, 3, 4, 5]);
    expect(await read({ sinceMs: times[1], after: before + 4 })).to.deep.equal([5]);
  });
}
