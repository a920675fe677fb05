/** Residents that were made many at once: they begin by and by, each with the rows it was made of. */
import { expect } from "chai";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import { Residents } from "../../../actors/runtime/residents.ts";
import { type ActorWorld, actorWorld } from "../../support/actor-world.ts";
import { silentLog } from "../../support/silent-log.ts";
import {
  type Toy,
  type ToyEvent,
  ToyKind,
  type ToyMessage,
  ToyStore,
  toyOptions,
} from "../../support/toy-resident.ts";

const { beginningsPerSlice: slice, beginningsPauseMs: pauseMs } = actorLimits;

describe("residents made many at once", () => {
  let world: ActorWorld;
  let journal: string[];
  let residents: Residents<Toy, ToyEvent, ToyMessage, string>;
  beforeEach(() => {
    world = actorWorld();
    journal = [];
    const store = new ToyStore(journal);
    residents = new Residents(world.system, {
      ...toyOptions(store, world.clock),
      limits: { residentsMax: 1_000, sweepPeriodMs: 5_000, idleMs: 60_000 },
      ...{ log: silentLog, kind: () => new ToyKind(store) },
    });
  });
  afterEach(async () => {
    residents.close();
    await world.end();
    expect(world.clock.pending, "timers left behind").to.equal(0);
  });
  const many = (length: number) =>
    Array.from({ length }, (_, index) => ({
      id: `n${index}`,
      loaded: { version: 1, value: index },
      message: { kind: "act" } as const,
    }));

  it("begin a slice at a time", async () => {
    residents.begin(many(3 * slice));
    await world.clock.settle();
    expect([residents.size, journal.length]).to.deep.equal([slice, slice]);
    expect([residents.isUnbegun("n0"), residents.isUnbegun(`n${slice}`)]).to.deep.equal([false, true]);
    await world.clock.advance(pauseMs);
    expect([residents.size, journal.length]).to.deep.equal([2 * slice, 2 * slice]);
    await world.clock.advance(pauseMs);
    expect(journal).to.deep.equal(many(3 * slice).map(({ id, loaded }) => `tell ${id} ${loaded.value}`));
  });

  it("do not hold up one that was made alone", async () => {
    residents.begin(many(3 * slice));
    residents.begin([{ id: "alone", loaded: { version: 1, value: 7 }, message: { kind: "act" } }]);
    await world.clock.settle();
    expect(journal.at(-1)).to.equal("tell alone 7");
  });

  it("begin with the rows they were made of when a message comes first, and hear their first one too", async () => {
    residents.begin(many(2 * slice));
    const last = `n${2 * slice - 1}`;
    await residents.tell(last, { kind: "act" });
    await world.clock.settle();
    expect(journal.at(-1)).to.equal(`tell ${last} ${2 * slice - 1}`);
    await world.clock.advance(pauseMs);
    expect(journal.filter((one) => one.includes(`${last} `))).to.have.length(2);
    expect(journal.filter((one) => one.startsWith("load"))).to.deep.equal([]);
  });

  it("begin no more once they are closed", async () => {
    residents.begin(many(2 * slice));
    residents.close();
    residents.begin([{ id: "late", loaded: { version: 1, value: 7 }, message: { kind: "act" } }]);
    await world.clock.advance(100 * pauseMs);
    expect([residents.size, journal.length]).to.deep.equal([slice, slice]);
  });
});
