/** Waiting for events: every event once, and one read at a time however many wait. */
import { expect } from "chai";
import { requestLimits } from "../../../../actors/control/request/limits.ts";
import type { EventPage } from "../../../../actors/ports/event-reads.ts";
import { Random } from "../../../simulator/random.ts";
import { eventOf, outcomeOf, WaitingWorld } from "./waiting-world.ts";

const numbers = (page: EventPage | undefined) => page?.events.map(({ sequence }) => sequence);

describe("waiting for events", () => {
  it("answers at once with what is there", async () => {
    const w = new WaitingWorld();
    for (const project of ["demo", "other", "demo"]) await w.commits.commit(eventOf(project));
    const found = outcomeOf(w.waits.events.next({ after: 0, limit: 10, project: "demo" }, w.until()));
    await w.clock.advance(10);
    expect([numbers(found.value), found.value?.last]).to.deep.equal([[1, 3], 3]);
  });

  it("answers all who wait when an event comes, each with its own part", async () => {
    const w = new WaitingWorld();
    const wait = (query: object) =>
      outcomeOf(w.waits.events.next({ after: 0, limit: 10, ...query }, w.until()));
    const [demo, other, all, one, two] = [
      wait({ project: "demo" }),
      wait({ project: "other" }),
      wait({}),
      wait({ project: "demo", nouns: ["instance"], id: "a" }),
      wait({ project: "demo", nouns: ["host"] }),
    ];
    await w.clock.advance(50);
    await Promise.all([w.commits.commit(eventOf("demo", "b")), w.commits.commit(eventOf("demo", "a"))]);
    await w.clock.advance(50);
    expect([demo, other, all, one, two].map(({ value }) => numbers(value))).to.deep.equal([
      [1, 2],
      undefined,
      [1, 2],
      [2],
      undefined,
    ]);
    expect(w.waits.events.waiting).to.equal(2);
  });

  it("reads once for a thousand who wait, and once a second for nothing", async () => {
    const w = new WaitingWorld();
    const waits = Array.from({ length: 1_000 }, () =>
      outcomeOf(w.waits.events.next({ after: 0, limit: 10, project: "demo" }, w.until())),
    );
    await w.clock.advance(20);
    w.forgetReads();
    await w.clock.advance(3_000);
    expect(w.reads).to.deep.equal({ list: 0, lastSequence: 3, ended: 0 });
    w.forgetReads();
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(20);
    expect(w.reads).to.deep.equal({ list: 1, lastSequence: 0, ended: 0 });
    expect(waits.filter(({ value }) => value?.events.length === 1)).to.have.length(1_000);
    expect(w.waits.events.waiting).to.equal(0);
  });

  it("has one read under way however often something is committed", async () => {
    const w = new WaitingWorld();
    for (const project of ["a", "b", "c"])
      outcomeOf(w.waits.events.next({ after: 0, limit: 10, project, nouns: ["none"], id: "x" }, w.until()));
    await w.clock.advance(20);
    w.forgetReads();
    for (let at = 0; at < 300; at += 1) {
      await w.commits.commit(eventOf(["a", "b", "c"][at % 3] ?? "a"));
      await w.clock.advance(1);
    }
    expect(w.atOnce).to.be.at.most(2);
    expect(w.reads.list).to.be.at.most(62);
  });

  it("wakes nobody for another project's events", async () => {
    const w = new WaitingWorld();
    outcomeOf(w.waits.events.next({ after: 0, limit: 10, project: "quiet" }, w.until()));
    await w.clock.advance(20);
    w.forgetReads();
    for (let at = 0; at < 50; at += 1) await w.commits.commit(eventOf("busy"));
    await w.clock.advance(500);
    expect(w.reads.list).to.equal(0);
  });

  it("finds what was committed elsewhere by a hint, and without one after a second", async () => {
    const w = new WaitingWorld();
    const wait = () => outcomeOf(w.other.events.next({ after: 0, limit: 1, project: "demo" }, w.until()));
    const hinted = wait();
    await w.clock.advance(20);
    await w.commits.commit(eventOf("demo"));
    w.other.hint({ lastSequence: 1, ended: [], projects: ["demo"] });
    await w.clock.advance(20);
    expect(numbers(hinted.value)).to.deep.equal([1]);
    const lost = outcomeOf(w.other.events.next({ after: 1, limit: 1, project: "demo" }, w.until()));
    await w.clock.advance(20);
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(requestLimits.lookAgainMs + 20);
    expect(numbers(lost.value)).to.deep.equal([2]);
  });

  it("ends at the deadline with nothing, and the number to go on from", async () => {
    const w = new WaitingWorld();
    await w.commits.commit(eventOf("demo"));
    const query = { after: 1, limit: 10, project: "demo", nouns: ["host"] };
    const wait = outcomeOf(w.waits.events.next(query, w.until(5_000)));
    await w.clock.advance(1_000);
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(4_000);
    expect(wait.value).to.deep.equal({ events: [], last: 2, trimmed: 0 });
    expect(w.clock.monotonicMs()).to.equal(5_000);
  });

  it("ends when its caller has gone, and leaves nothing behind", async () => {
    const w = new WaitingWorld();
    const gone = new AbortController();
    const wait = outcomeOf(
      w.waits.events.next({ after: 0, limit: 10, project: "demo" }, w.until(30_000, gone.signal)),
    );
    await w.clock.advance(20);
    gone.abort();
    await w.clock.settle();
    expect([wait.value?.events, w.waits.events.waiting]).to.deep.equal([[], 0]);
    w.forgetReads();
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(10_000);
    expect(w.reads.list + w.reads.lastSequence).to.equal(0);
  });

  it("goes on behind events that nobody wants, and behind a full page of them", async () => {
    const w = new WaitingWorld();
    const query = { after: 0, limit: 10, project: "demo", nouns: ["host"] };
    const wait = outcomeOf(w.waits.events.next(query, w.until()));
    await w.clock.advance(20);
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(20);
    await w.commits.commit(eventOf("demo", "i", "host"));
    await w.clock.advance(20);
    expect(numbers(wait.value)).to.deep.equal([2]);
    const later = outcomeOf(w.waits.events.next({ ...query, after: 2 }, w.until()));
    await w.clock.advance(20);
    const [other = []] = [eventOf("demo").events];
    const [wanted = []] = [eventOf("demo", "i", "host").events];
    const many = Array.from({ length: 450 }, () => other).flat();
    await w.commits.commit({ events: [...many, ...wanted] });
    await w.clock.advance(100);
    expect(numbers(later.value)).to.deep.equal([453]);
  });

  it("goes back for who has read less than the reader, also while the reader reads on", async () => {
    const w = new WaitingWorld();
    outcomeOf(w.waits.events.next({ after: 0, limit: 10, project: "demo", nouns: ["none"] }, w.until()));
    await w.clock.advance(20);
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(20);
    // Its first look is slow, and sees two events less than the reader, which reads a third meanwhile.
    w.readMs = 50;
    const query = { after: 0, limit: 10, project: "demo", nouns: ["host"] };
    const wait = outcomeOf(w.waits.events.next(query, w.until()));
    await w.clock.settle();
    w.readMs = 1;
    await w.commits.commit(eventOf("demo", "i", "host"));
    await w.clock.advance(10);
    w.readMs = 45;
    await w.commits.commit(eventOf("demo", "i", "host"));
    await w.clock.advance(100);
    expect(numbers(wait.value)).to.deep.equal([2, 3]);
  });

  it("says that it only waits when nothing is left to read", async () => {
    const w = new WaitingWorld();
    const said: number[] = [];
    const onlyWaits = () => void said.push(w.clock.monotonicMs());
    outcomeOf(w.waits.events.next({ after: 0, limit: 1, project: "demo" }, { ...w.until(), onlyWaits }));
    await w.clock.advance(20);
    expect(said).to.deep.equal([w.readMs]);
  });

  it("outlasts reads that fail, and ends with their error when they fail to the end", async () => {
    const w = new WaitingWorld();
    const wait = () =>
      outcomeOf(w.waits.events.next({ after: 0, limit: 1, project: "demo" }, w.until(5_000)));
    const found = wait();
    await w.clock.advance(20);
    w.away = true;
    await w.commits.commit(eventOf("demo"));
    await w.clock.advance(1_500);
    w.away = false;
    await w.clock.advance(1_500);
    expect(numbers(found.value)).to.deep.equal([1]);
    const lost = outcomeOf(w.waits.events.next({ after: 1, limit: 1, project: "demo" }, w.until(5_000)));
    await w.clock.advance(20);
    w.away = true;
    await w.clock.advance(5_000);
    expect(lost.error).to.be.instanceOf(Error);
  });

  it("hands others their events, and their empty pages, while one project's cannot be read", async () => {
    const w = new WaitingWorld();
    const wait = (project: string) =>
      outcomeOf(w.waits.events.next({ after: 0, limit: 1, project }, w.until(5_000)));
    const [broken, other, quiet] = ["broken", "other", "quiet"].map(wait);
    await w.clock.advance(20);
    w.unreadable = "broken";
    await Promise.all(["broken", "other"].map((project) => w.commits.commit(eventOf(project))));
    await w.clock.advance(20);
    expect(numbers(other?.value)).to.deep.equal([2]);
    expect([broken, quiet]).to.deep.equal([{}, {}]);
    await w.clock.advance(5_000);
    expect(String(broken?.error)).to.include("cannot be read");
    expect(quiet?.error).to.equal(undefined);
    expect(numbers(quiet?.value)).to.deep.equal([]);
    expect(w.waits.events.waiting).to.equal(0);
  });

  for (const seed of [1, 2, 3]) {
    it(`hands every event to every reader once and in order, from anywhere (seed ${seed})`, async () => {
      const w = new WaitingWorld();
      const random = new Random(`event waits ${seed}`);
      const projects = ["a", "b", undefined] as const;
      const readers = Array.from({ length: 12 }, (_, at) => ({
        project: projects[at % 3],
        nouns: random.chance(0.3) ? ["host"] : undefined,
        last: 0,
        seen: [] as number[],
      }));
      let over = false;
      const follow = async (reader: (typeof readers)[number]) => {
        while (!over) {
          const { project, nouns, last } = reader;
          const query = {
            after: last,
            limit: random.between(1, 5),
            ...(nouns && { nouns }),
            ...(project && { project }),
          };
          const from = random.chance(0.5) ? w.waits : w.other;
          const page = await from.events.next(query, w.until(random.between(1, 3_000)));
          reader.seen.push(...(numbers(page) ?? []));
          reader.last = page.last;
        }
      };
      const following = readers.map(follow);
      for (let at = 0; at < 300; at += 1) {
        await w.commits.commit(
          eventOf(random.chance(0.5) ? "a" : "b", "i", random.chance(0.2) ? "host" : "instance"),
        );
        if (random.chance(0.5)) w.other.hint({ lastSequence: at, ended: [], projects: ["a", "b"] });
        await w.clock.advance(random.between(0, 40));
      }
      await w.clock.advance(10_000);
      over = true;
      await w.clock.advance(10_000);
      await Promise.all(following);
      const { events } = await w.store.events.list({ after: 0, limit: 1_000 });
      for (const { project, nouns, seen } of readers) {
        const mine = events.filter(
          (one) => (project ?? one.project) === one.project && (nouns?.includes(one.noun) ?? true),
        );
        expect(seen).to.deep.equal(mine.map(({ sequence }) => sequence));
      }
    });
  }
});
