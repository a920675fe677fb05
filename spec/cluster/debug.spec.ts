/** What controllers say of themselves: loops, actors, residents of each half; and which half is missing. */
import { expect } from "chai";
import { Debug } from "../../nodes/controller/debug.ts";
import { controllerLimits } from "../../nodes/controller/limits.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import type { ControllerHalf } from "../../protocol/controller.ts";
import { debugAnswerSubject, debugQuestionSubject } from "../../protocol/wire/subjects.ts";
import type { BusSubscription } from "../../protocol/wire/transport.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";

describe("controllers that are asked what they do", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.host("a");
  });
  afterEach(() => world.stop());
  const halfOf = (halves: readonly ControllerHalf[], name: string, half: string) =>
    halves.find((one) => one.name === name && one.half === half);
  const namesOf = (half: ControllerHalf | undefined) => half?.loops.map(({ name }) => name) ?? [];

  it("answer each for itself, both halves, with every loop and what it did last", async () => {
    const { instance } = await world.demo.instance.create({
      ...{ name: "web", flavor: "tiny", image: "tiny", wait: true },
    });
    expect(instance.state).to.equal("running");
    const { answeredBy, halves, silent } = await world.admin.controller.debug({});
    expect(["controller-1", "controller-2"]).to.include(answeredBy);
    expect(silent).to.deep.equal([]);
    expect(halves.map(({ name, half }) => `${name} ${half}`)).to.deep.equal([
      ...["controller-1 actors", "controller-1 safety", "controller-2 actors", "controller-2 safety"],
    ]);
    for (const name of ["controller-1", "controller-2"]) {
      expect(namesOf(halfOf(halves, name, "actors"))).to.include.members([
        ...[
          "directory",
          "breaker",
          "instance-registry",
          "host-registry",
          "reconciler",
          "recoverer",
          "waker",
          "sweeper",
        ],
      ]);
      expect(namesOf(halfOf(halves, name, "safety"))).to.include.members(["directory", "fencer"]);
    }
    const loops = halves.flatMap((half) => half.loops);
    expect(loops.filter(({ failed, hanging, restarts }) => failed || hanging + restarts > 0)).to.deep.equal(
      [],
    );
    const reads = loops.filter(({ name }) => name === "directory");
    expect(reads.map(({ did }) => did).filter((did) => !/^\d hosts read, \d heard$/.test(did))).to.deep.equal(
      [],
    );
    expect(reads.map(({ endedAgoMs }) => typeof endedAgoMs)).to.deep.equal(Array(4).fill("number"));
    const loaded = halves.flatMap(({ residents }) => residents.map((one) => one.loaded));
    expect(loaded.reduce((sum, one) => sum + one, 0)).to.be.greaterThan(0);
    expect(halves.flatMap(({ actors }) => actors.map(({ path }) => path))).to.include("scheduler");
  });

  it("answer operators only", async () => {
    const refused = await world.demo.controller
      .debug({})
      .catch((thrown: { reason: string }) => thrown.reason);
    expect(refused).to.equal("adminOnly");
  });
});

describe("a controller that asks the others", () => {
  const half = (name: string): ControllerHalf => ({
    half: "actors",
    ...{ name, upMs: 1, loops: [], actors: [], actorsLeftOut: 0, residents: [] },
    ...{ commits: null, publisher: null },
  });
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  const others: BusSubscription[] = [];
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.drain();
    await world.stop();
  });
  /** Another controller on the bus: `body` is its answer to a question. */
  const other = (body: (question: string) => string | undefined) =>
    others.push(
      world.bus.serve(debugQuestionSubject("test"), undefined, async (_subject, asked) => {
        const question = new TextDecoder().decode(asked.body);
        const said = body(question);
        if (said === undefined) return undefined;
        const message = { headers: {}, body: new TextEncoder().encode(said) };
        world.bus.publish(debugAnswerSubject("test", question), message);
        return undefined;
      }),
    );

  it("names a half that answered before and does not any more", async () => {
    let alive = true;
    other(() => (alive ? JSON.stringify(half("controller-7")) : undefined));
    const first = await world.admin.controller.debug({});
    expect(first.halves.map(({ name }) => name)).to.include("controller-7");
    alive = false;
    const second = await world.admin.controller.debug({});
    expect(second.halves.map(({ name }) => name)).to.not.include("controller-7");
    expect(second.silent).to.deep.equal(["controller-7 actors"]);
  });

  it("takes no answer that is none, and no more than there can be", async () => {
    other(() => "{");
    other(() => JSON.stringify({ ...half("controller-8"), loops: "many" }));
    let count = 0;
    for (let one = 0; one < 2 * controllerLimits.debugHalvesMax; one += 1)
      other(() => {
        count += 1;
        return JSON.stringify(half(`other-${count}`));
      });
    const { halves } = await world.admin.controller.debug({});
    expect(halves.map(({ name }) => name))
      .to.include("controller-1")
      .and.to.not.include("controller-8");
    expect(halves.length).to.be.at.most(controllerLimits.debugHalvesMax + 1);
    for (const one of others.splice(0)) await one.drain();
    const { silent } = await world.admin.controller.debug({});
    expect(silent).to.include("other-1 actors").and.to.not.include("controller-8 actors");
  });

  it("answers although its store does not say which event is the last", async () => {
    const [system] = world.controllers.map((one) => one.system);
    if (system === undefined) throw new Error("There is no controller.");
    const debug = new Debug({
      half: "actors",
      ...{ cell: "test", name: "controller-1", bus: world.bus, system },
      ...{ clock: systemClock, ids: systemIds(0), log: silentLog },
      publisher: { look: () => ({ publishedUpTo: 4, failures: 2 }) },
      writer: () => ({ waiting: 3, writing: 2, writingMs: 1.5 }),
      lastSequence: () => new Promise(() => undefined),
    });
    const { publisher, commits } = await debug.look();
    expect(publisher).to.deep.equal({ publishedUpTo: 4, committedUpTo: null, failures: 2 });
    expect(commits).to.deep.equal({ waiting: 3, writing: 2, writingMs: 2 });
  });
});
