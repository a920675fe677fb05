/**
 * The store's contract for what hosts report of themselves, and for builds that fail on them; a part of the
 * contract in store-contract.ts.
 */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

export function buildsContract(get: () => Store): void {
  it("keeps what a host says about itself, and counts its changes", async () => {
    const [store, { host }] = [get(), names()];
    const said = {
      labels: { rack: "r1" },
      features: ["sse2"],
      machineTypes: ["q35"],
      numa: [{ vcpus: 4, memoryMib: 8_192, hugePages: [{ sizeKib: 2_048, total: 16 }] }],
      storageId: "shared",
    };
    await store.commit({ hosts: [rows.inventory(host)] });
    expect(await store.hosts.get(host)).to.deep.include({ ...rows.nothingSaid, generation: 1 });
    await store.commit({ hosts: [rows.inventory(host, said)] });
    expect(await store.hosts.get(host)).to.deep.include({ ...said, generation: 2 });
    await store.commit({ hosts: [rows.inventory(host, said)] });
    expect(await store.hosts.get(host)).to.include({ generation: 2 });
    await store.commit({ hosts: [rows.inventory(host)] });
    expect(await store.hosts.get(host)).to.deep.include({ ...rows.nothingSaid, generation: 3 });
  });

  const failure = (hostId: string, n: number) =>
    ({ hostId, failed: true, project: `p${n}`, imageId: `i${n}` }) as const;
  const disabling = (hostId: string, failedBuildsMin: number): Commit => ({
    hostsEnabled: [{ hostId, enabled: false, reason: "it fails", failedBuildsMin }],
  });

  it("counts builds that fail in a row, and says whose they were", async () => {
    const [store, { host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    const ended = async (...ends: (number | false)[]) => {
      const buildsEnded = ends.map((n) => (n === false ? { hostId: host, failed: false } : failure(host, n)));
      await store.commit({ buildsEnded });
      const { failedBuilds, failedBuildsOf } = (await store.hosts.get(host)) ?? {};
      return [failedBuilds, failedBuildsOf?.projects, failedBuildsOf?.images];
    };
    expect(await ended(1, 1)).to.deep.equal([2, ["p1"], ["i1"]]);
    expect(await ended(2, false, 3)).to.deep.equal([1, ["p3"], ["i3"]]);
    expect(await ended(2)).to.deep.equal([2, ["p2", "p3"], ["i2", "i3"]]);
    expect(await ended(1)).to.deep.equal([3, ["p1", "p2"], ["i1", "i2"]]);
    expect(await ended(false)).to.deep.equal([0, undefined, undefined]);
    // An older controller does not name project and image.
    await store.commit({ buildsEnded: [{ hostId: host, failed: true }] });
    expect((await store.hosts.get(host))?.failedBuildsOf).to.deep.equal({ projects: [], images: [] });
    await store.commit({ hostsEnabled: [{ hostId: host, enabled: true, reason: null }] });
    expect(await store.hosts.get(host)).to.include({ failedBuilds: 0, failedBuildsOf: null });
  });

  it("disables a host for its builds only while they fail, and are not of one project or image alone", async () => {
    const [store, { host }] = [get(), names()];
    await store.commit({ hosts: [host, `${host}-2`, `${host}-3`].map((id) => rows.inventory(id)) });
    const refused = async (failedBuildsMin: number) =>
      expect(await store.commit(disabling(host, failedBuildsMin))).to.deep.equal({ kind: "conflict" });
    await store.commit({ buildsEnded: [failure(host, 1), failure(host, 1)] });
    await refused(2);
    await store.commit({ buildsEnded: [{ ...failure(host, 1), project: "p2" }] });
    await refused(3);
    await store.commit({ buildsEnded: [failure(host, 2)] });
    await refused(5);
    expect((await store.commit(disabling(host, 4))).kind).to.equal("committed");
    await refused(4);
    const failures = { disabledReason: "it fails", failedBuilds: 4 };
    expect(await store.hosts.get(host)).to.include({ enabled: false, ...failures });
    await store.commit({ hostsEnabled: [{ hostId: host, enabled: true, reason: null }] });
    expect(await store.hosts.get(host)).to.include({ enabled: true, failedBuilds: 0 });
    const unknown = disabling(`${host}-9`, 1);
    expect(await store.commit(unknown)).to.deep.equal(rows.missing("host", `${host}-9`));
  });

  it("disables a third of the hosts for their builds, and never the last one", async () => {
    const [store, { host }] = [get(), names()];
    const others = (await store.hosts.list({ limit: 1_000 })).filter(({ enabled }) => enabled);
    const switchOthers = (enabled: boolean) =>
      store.commit({ hostsEnabled: others.map(({ id }) => ({ hostId: id, enabled, reason: null })) });
    await switchOthers(false);
    const hostIds = many(7, (n) => `${host}-${n}`);
    // More failures than any host of another spec has.
    const failures = 20;
    const fail = (hostId: string) => many(failures, (n) => failure(hostId, n));
    const outcome = async (hostId: string) => (await store.commit(disabling(hostId, failures))).kind;
    const add = async (hostId: string) => {
      await store.commit({ hosts: [rows.inventory(hostId)] });
      await store.commit({ buildsEnded: fail(hostId) });
    };
    const [first = "", second = "", third = ""] = hostIds;
    await add(first);
    expect(await outcome(first), "the last one").to.equal("conflict");
    await add(second);
    expect(await outcome(first), "one of two").to.equal("committed");
    expect(await outcome(second), "the last that is enabled").to.equal("conflict");
    for (const hostId of hostIds.slice(2, 5)) await add(hostId);
    expect(await outcome(second), "two of five").to.equal("conflict");
    await add(hostIds[5] ?? "");
    expect(await outcome(second), "two of six").to.equal("committed");
    expect(await outcome(third), "three of six").to.equal("conflict");
    await switchOthers(true);
  });

  it("counts the builds under way on each host", async () => {
    const [store, { id, host }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)] });
    await store.commit(rows.createTurn(id(1), host));
    await store.commit(rows.createTurn(id(2), host));
    expect(await store.hosts.get(host)).to.include({ ioOps: 2 });
    const row = rows.instance(id(1), { hostId: host, ownerEpoch: 1, operationId: `op-${id(1)}` });
    await store.commit(rows.changeTurn(rows.next(row, { state: "running", built: true, settled: true })));
    expect((await store.hosts.list({ limit: 1_000 })).find((one) => one.id === host)).to.include({
      ioOps: 1,
    });
  });
}
