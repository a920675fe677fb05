/** What a commit tells: the other controllers, once for commits of one moment, and the meter. */
import { expect } from "chai";
import { Commits } from "../../../../actors/control/request/commits.ts";
import type { CommitResult } from "../../../../actors/records/commit.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import { definitions } from "../../../../actors/runtime/metrics.ts";
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
