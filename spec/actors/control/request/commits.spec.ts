/** What a commit tells: the other controllers, once for commits of one moment, and the meter. */
import { expect } from "chai";
import { type CommitHint, Commits } from "../../../../actors/control/request/commits.ts";
import type { CommitResult } from "../../../../actors/records/commit.ts";
import type { RowChange } from "../../../../actors/records/rows.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import { definitions } from "../../../../actors/runtime/metrics.ts";
import { network } from "../../../../protocol/network.ts";
import { port } from "../../../../protocol/port.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import * as rows from "../../../support/store-rows.ts";
import { eventOf, operationOf, WaitingWorld } from "./waiting-world.ts";

/** Every kind of result, and the failure that is none; a kind too few or too many does not compile. */
const kinds = {
  committed: true,
  duplicate: true,
  conflict: true,
  hostFull: true,
  nameTaken: true,
  missing: true,
  inUse: true,
  groupRule: true,
  quotaExceeded: true,
  zoneConflict: true,
  zoneInUse: true,
  failed: true,
} satisfies Record<CommitResult["kind"] | "failed", true>;

describe("commits", () => {
  it("have a value of the metric's label for each result, and none for others", () => {
    const { result } = definitions.get("novact_commits_total")?.labels ?? {};
    expect(result).to.have.members(Object.keys(kinds));
  });

  it("tell the others once of commits that come together, with every project", async () => {
    const { clock, commits, told } = new WaitingWorld();
    await Promise.all([commits.commit(eventOf("demo")), commits.commit(eventOf("other"))]);
    await clock.settle();
    expect(told).to.deep.equal([{ lastSequence: 2, ended: [], projects: ["demo", "other"] }]);
  });

  it("tell the others which operations ended", async () => {
    const { clock, commits, told } = new WaitingWorld();
    await commits.commit(rows.catalog);
    await commits.commit(operationOf("o1", 1, true));
    await clock.settle();
    expect(told).to.deep.equal([{ lastSequence: 1, ended: ["o1"], projects: ["demo"] }]);
  });

  it("tell the others what they touched of networks: what was there before, and what new rows refer to", async () => {
    const { clock, commits, told } = new WaitingWorld();
    const row = { createdAtMs: 1, version: 1, name: "x", mtuBytes: 1_450, shared: false, external: false };
    const ofNetwork = { ...row, id: "n", project: "demo", number: 1 };
    const security = { portSecurity: true, addressPairs: [], mac: "52:54:00:00:00:01" };
    const ofPort = { ...row, ...security, id: "p", project: "demo", networkId: "n" };
    const commit = (...changes: readonly RowChange[]) =>
      commits.commit({ ...eventOf("demo"), rows: changes });
    await commit({ resource: network, made: ofNetwork });
    await clock.settle();
    await commit({ resource: port, made: ofPort });
    await clock.settle();
    await commit(
      { resource: port, removed: "p" },
      { resource: network, changed: { ...ofNetwork, version: 2 } },
    );
    await clock.settle();
    expect(told.map(({ touched }) => touched)).to.deep.equal([undefined, ["n"], ["p", "n"]]);
  });

  it("tell the others of which networks a guest is on another host, or on none", async () => {
    const told: CommitHint[] = [];
    const store = { commit: async () => ({ kind: "committed" as const, lastSequence: 1 }) };
    const commits = new Commits(store, (hint) => told.push(hint));
    const row = rows.instance("i", { interfaces: [rows.plugged("p")] });
    const instances = [{ expectedVersion: 1, row }];
    await commits.commit({ instances, claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] });
    await commits.commit({ instances });
    await commits.commit({ instances, claims: [rows.claim("i", "h")] });
    const attached = [
      {
        ...rows.plugged("q"),
        networkId: "m",
        change: { kind: "attaching" as const, generation: row.generation },
      },
      { ...rows.plugged("p"), change: { kind: "leaving" as const, generation: row.generation - 1 } },
    ];
    await commits.commit({ instances: [{ expectedVersion: 1, row: { ...row, interfaces: attached } }] });
    expect(told.map(({ touched }) => touched)).to.deep.equal([["n"], undefined, ["n"], ["m"]]);
  });

  it("tell the others of which networks an interface leaves, when it begins to", async () => {
    const told: CommitHint[] = [];
    const store = { commit: async () => ({ kind: "committed" as const, lastSequence: 1 }) };
    const commits = new Commits(store, (hint) => told.push(hint));
    const interfaces = [{ ...rows.plugged("p"), change: { kind: "leaving", generation: 2 } as const }];
    for (const generation of [2, 3])
      await commits.commit({
        instances: [{ expectedVersion: 1, row: rows.instance("i", { interfaces, generation }) }],
      });
    expect(told.map(({ touched }) => touched)).to.deep.equal([["n"], undefined]);
  });

  it("are counted by what became of them, a failure as well, which stays one", async () => {
    const meter = new CountingMeter(silentLog);
    const lost = new StatusError("storeUnavailable", "Away.");
    const results: readonly (CommitResult | StatusError)[] = [
      { kind: "committed", lastSequence: 0 },
      { kind: "conflict" },
      lost,
      { kind: "conflict" },
    ];
    const left = results.values();
    const commit = async () => {
      const next = left.next().value;
      if (next === undefined || next instanceof StatusError) throw next;
      return next;
    };
    const commits = new Commits({ commit }, () => undefined, undefined, meter);
    const seen = [];
    for (const _ of results) seen.push(await commits.commit({}).catch((thrown: unknown) => thrown));
    expect(seen).to.deep.equal(results);
    const counted = meter.read("novact_commits_total").filter(({ value }) => value > 0);
    expect(counted.map(({ labels, value }) => [...labels, value])).to.deep.equal([
      ["committed", 1],
      ["conflict", 2],
      ["failed", 1],
    ]);
  });
});
