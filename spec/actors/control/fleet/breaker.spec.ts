/** Which failing hosts are disabled: values in, commits out. The stores' specs say what a commit does. */
import { expect } from "chai";
import { disableFailing } from "../../../../actors/control/fleet/breaker.ts";
import type { Commit } from "../../../../actors/records/commit.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { placementLimits } from "../../../../protocol/limits/placement.ts";
import { quietRound } from "../../../support/quiet-round.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { host } from "../scheduler/worlds.ts";

const mixed = { projects: ["p1", "p2"], images: ["i1", "i2"] };
const failed = (id: string, change: Partial<HostRecord> = {}) =>
  host(id, { failedBuilds: placementLimits.failedBuildsMax, failedBuildsOf: mixed, ...change });
const well = (count: number) => Array.from({ length: count }, (_, n) => host(`well-${n}`));

async function disabled(...hosts: readonly HostRecord[]): Promise<readonly string[]> {
  const commits: Commit[] = [];
  const commit = async (changes: Commit) => {
    commits.push(changes);
    return { kind: "committed", lastSequence: commits.length } as const;
  };
  const options = { commit, clock: new SimulatedClock(), log: silentLog, onDisabled: () => undefined };
  await disableFailing(hosts, options, quietRound());
  return commits.flatMap(({ hostsEnabled = [] }) => hostsEnabled.map(({ hostId }) => hostId));
}

describe("the breaker of failing hosts", () => {
  it("disables one that has failed enough, of more than one project and image", async () => {
    expect(await disabled(failed("a"), ...well(2))).to.deep.equal(["a"]);
    const few = failed("a", { failedBuilds: placementLimits.failedBuildsMax - 1 });
    const oneProject = failed("b", { failedBuildsOf: { ...mixed, projects: ["p1"] } });
    const oneImage = failed("c", { failedBuildsOf: { ...mixed, images: ["i1"] } });
    const unknown = failed("d", { failedBuildsOf: null });
    const off = failed("e", { enabled: false });
    expect(await disabled(few, oneProject, oneImage, unknown, off, ...well(20))).to.deep.equal([]);
  });

  it("disables no more than a third, those that fail the most, and never the last", async () => {
    expect(await disabled(failed("a"))).to.deep.equal([]);
    expect(await disabled(failed("a"), failed("b", { failedBuilds: 99 }))).to.deep.equal(["b"]);
    const all = ["a", "b", "c", "d", "e", "f"].map((id, n) => failed(id, { failedBuilds: 20 + n }));
    expect(await disabled(...all)).to.deep.equal(["f", "e"]);
    const [one, two, ...others] = all;
    const off = [one, two].flatMap((that) => (that === undefined ? [] : [{ ...that, enabled: false }]));
    expect(await disabled(...off, ...others)).to.deep.equal([]);
  });

  it("counts no fenced host among those that are left", async () => {
    const fencedBy = {
      kind: "operator",
      by: "admin",
      confirmedName: "host-b",
      reason: "It burnt.",
      atMs: 1,
    } as const;
    const lease = { leaseEpoch: 1, renewals: 1, storage: null, fencedBy };
    expect(await disabled(failed("a"), host("b", { lease }))).to.deep.equal([]);
  });
});
