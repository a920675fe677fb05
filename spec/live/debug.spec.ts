/**
 * Both halves of a real controller say what they do: the actors over a connection that does not hear itself,
 * the safety channel from a thread of its own, each with its own writer of commits.
 */
import { expect } from "chai";
import { until } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";

describe("a controller that is asked what it does", function () {
  this.timeout(60_000);
  let cluster: LiveCluster;
  before(async function () {
    cluster = await startLiveCluster(this);
  });
  after(() => cluster?.stop());

  it("answers with both halves: loops, commits, and how far events are published", async () => {
    // The cluster has just begun: a first round of each loop, and the first events, take a moment.
    const { answeredBy, halves, silent } = await until(
      () => cluster.admin.controller.debug({}, { timeoutMs: 20_000 }),
      ({ halves }) =>
        halves.length === 2 &&
        halves.every(({ commits }) => commits?.waiting === 0) &&
        (halves[0]?.publisher?.publishedUpTo ?? 0) > 0 &&
        halves.some(({ loops }) => loops.some(({ name, rounds }) => name === "renewals" && rounds > 0)),
    );
    expect([answeredBy, silent]).to.deep.equal(["controller-1", []]);
    expect(halves.map(({ half }) => half)).to.deep.equal(["actors", "safety"]);
    const [actors, safety] = halves;
    expect(safety?.loops.map(({ name }) => name)).to.include.members(["directory", "fencer", "renewals"]);
    expect(actors?.loops.map(({ name }) => name)).to.include.members(["publisher", "reconciler", "space"]);
    for (const half of halves) {
      expect(half.commits).to.include({ waiting: 0 });
      expect(half.loops.filter(({ hanging, restarts }) => hanging + restarts > 0)).to.deep.equal([]);
    }
    expect(actors?.publisher?.committedUpTo).to.be.greaterThan(0);
    expect(actors?.publisher?.publishedUpTo).to.be.greaterThan(0);
    expect(safety?.publisher).to.equal(null);
    const renewals = safety?.loops.find(({ name }) => name === "renewals");
    expect(renewals?.rounds).to.be.greaterThan(0);
  });
});
