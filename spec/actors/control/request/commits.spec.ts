/**
 * Waiting for a commit: a waiter is woken by commits that concern it, by no others, and looks again by
 * itself.
 */
import { expect } from "chai";
import { Commits } from "../../../../actors/control/request/commits.ts";
import { requestLimits } from "../../../../actors/control/request/limits.ts";
import type { Commit } from "../../../../actors/records/commit.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

const turnOf = (project: string): Commit => ({
  events: [{ atMs: 1, project, noun: "instance", id: "i", event: "accepted", body: {} }],
});

function world() {
  const clock = new SimulatedClock();
  const store = { commit: async () => ({ kind: "committed", lastSequence: 1 }) as const };
  const told: unknown[] = [];
  const commits = new Commits(store, clock, (hint) => told.push(hint));
  const until = { deadlineMs: 60_000, signal: new AbortController().signal };
  const watch = (project?: string) => {
    const watcher = { looks: 0 };
    const look = async () => {
      watcher.looks += 1;
      return undefined;
    };
    void commits.until(look, project === undefined ? until : { ...until, project });
    return watcher;
  };
  return { clock, commits, told, watch, until };
}

describe("waiting for commits", () => {
  it("wakes the watchers of the project and of everything, and nobody else", async () => {
    const { clock, commits, watch } = world();
    const [demo, other, admin] = [watch("demo"), watch("other"), watch()];
    await clock.settle();
    for (let round = 0; round < 10; round += 1) {
      await commits.commit(turnOf("demo"));
      await clock.settle();
    }
    expect([demo.looks, other.looks, admin.looks]).to.deep.equal([11, 1, 11]);
  });

  it("does the same for what another controller has committed", async () => {
    const { clock, commits, watch } = world();
    const [demo, other] = [watch("demo"), watch("other")];
    await clock.settle();
    commits.hint({ lastSequence: 5, ended: [], projects: ["other"] });
    await clock.settle();
    expect([demo.looks, other.looks]).to.deep.equal([1, 2]);
  });

  it("tells the others once of commits that come together, with every project", async () => {
    const { clock, commits, told } = world();
    await Promise.all([commits.commit(turnOf("demo")), commits.commit(turnOf("other"))]);
    await clock.settle();
    expect(told).to.deep.equal([{ lastSequence: 1, ended: [], projects: ["demo", "other"] }]);
  });

  it("looks again by itself, should every hint be lost", async () => {
    const { clock, watch } = world();
    const demo = watch("demo");
    await clock.advance(requestLimits.lookAgainMs * 3);
    expect(demo.looks).to.equal(4);
  });
});
