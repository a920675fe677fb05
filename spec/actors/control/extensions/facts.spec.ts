/** Facts of plug-ins about hosts: what the scheduler is given, and what a plug-in that fails changes. */
import { expect } from "chai";
import type { ExtensionFacts, FactsInput } from "../../../../actors/control/extensions/definition.ts";
import { FactsBoard, startFacts } from "../../../../actors/control/extensions/facts.ts";
import { extensionLimits } from "../../../../actors/control/extensions/limits.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { createActorSystem } from "../../../../actors/runtime/actor.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import type { ResourceRow } from "../../../../protocol/wire/resource.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import * as rows from "../../../support/store-rows.ts";
import { toyResources, window } from "../../../support/toy-extension.ts";
import { toyFacts } from "../../../support/toy-services.ts";

const hosts = ["h1", "h2"].map((id) => ({ id }) as HostRecord);

describe("the facts of plug-ins about hosts", () => {
  it("are on the records of their hosts, which stay the same until the facts change", () => {
    const board = new FactsBoard();
    expect(board.withFacts(hosts)).to.equal(hosts);
    board.say("acme", { h1: { hot: true } });
    board.say("other", { h1: 5, h3: "gone" });
    const [first, second] = board.withFacts(hosts);
    expect(first).to.deep.equal({ id: "h1", facts: { acme: { hot: true }, other: 5 } });
    expect(second).to.equal(hosts[1]);
    board.say("acme", { h1: { hot: true } });
    expect(board.withFacts(hosts)[0]).to.equal(first);
    board.say("acme", { h1: { hot: false } });
    expect(board.withFacts(hosts)[0]?.facts).to.deep.equal({ acme: { hot: false }, other: 5 });
    board.say("acme", {});
    board.say("other", {});
    expect(board.withFacts(hosts)).to.equal(hosts);
  });

  it("are awaited until they are said, and the records stay the same until then", () => {
    const board = new FactsBoard(["acme", "other"]);
    const [first] = board.withFacts(hosts);
    expect(first).to.deep.equal({ id: "h1", factsAwaited: ["acme", "other"] });
    expect(board.withFacts(hosts)[0]).to.equal(first);
    board.say("acme", { h1: 1 });
    expect(board.withFacts(hosts)[0]).to.deep.equal({
      id: "h1",
      facts: { acme: 1 },
      factsAwaited: ["other"],
    });
    board.say("other", {});
    expect(board.withFacts(hosts)[0]).to.deep.equal({ id: "h1", facts: { acme: 1 } });
    expect(board.withFacts(hosts)[1]).to.equal(hosts[1]);
  });

  it("cannot be changed by who said them, and are never large", () => {
    const board = new FactsBoard();
    const said = { h1: { list: [1] } };
    board.say("acme", said);
    said.h1.list.push(2);
    expect(board.withFacts(hosts)[0]?.facts).to.deep.equal({ acme: { list: [1] } });
    const large = "x".repeat(extensionLimits.factsBytesMax);
    for (const [value, words] of [
      [large, "more than"],
      [() => 1, "is no JSON"],
      [1n, "is no JSON"],
    ] as const) {
      const faults = board.say("acme", { h1: value, h2: String(words) });
      expect(faults).to.have.length(1);
      expect(faults[0]).to.contain(words).and.contain("h1");
      // The host keeps what was said of it before; the facts of the others go on.
      expect(board.withFacts(hosts)[0]?.facts).to.deep.equal({ acme: { list: [1] } });
      expect(board.withFacts(hosts)[1]?.facts).to.deep.equal({ acme: words });
    }
  });

  const hours = { hostId: "h1", fromMs: 1, toMs: Number.MAX_SAFE_INTEGER };
  const started = async (facts: ExtensionFacts) => {
    const clock = new SimulatedClock();
    const store = new MemoryStore(clock);
    const noted: string[] = [];
    await store.commit({ hosts: [rows.inventory("h1"), rows.inventory("h2")] });
    const row = { id: "w", name: "w", createdAtMs: 1, version: 1, ...hours } as ResourceRow;
    await store.commit({ rows: [{ resource: window, made: row }] });
    const system = createActorSystem({ clock, log: silentLog });
    const plugin = { name: "acme", parts: { resources: toyResources, facts } };
    const note = (name: string, what: string) => noted.push(`${name}: ${what}`);
    const board = startFacts(system, [plugin], { store, log: silentLog, note });
    return { clock, noted, store, system, facts: async () => board.withFacts(await store.hosts.all()) };
  };

  it("are made of the plug-in's rows, again and again", async () => {
    const { clock, system, facts } = await started(toyFacts);
    await clock.advance(extensionLimits.factsPeriodMs);
    const [first, second] = await facts();
    expect(first?.facts).to.deep.equal({ acme: { fromMs: 1, toMs: Number.MAX_SAFE_INTEGER } });
    expect(second?.facts).to.equal(undefined);
    await system.stop();
  });

  it("stand as they were when the plug-in fails, which is told by name; and are made again afterwards", async () => {
    let asked = 0;
    const answers: readonly unknown[] = [{ h1: 1 }, undefined, [], Promise.resolve({}), { h1: 2 }];
    const of = () => {
      const answer = answers[asked];
      asked += 1;
      if (answer === undefined) throw new Error("too hot");
      return answer as Record<string, unknown>;
    };
    const { clock, noted, system, facts } = await started({ from: [], of });
    await clock.advance(1);
    expect((await facts())[0]?.facts).to.deep.equal({ acme: 1 });
    while (asked < 4) await clock.advance(extensionLimits.factsPeriodMs);
    expect((await facts())[0]?.facts).to.deep.equal({ acme: 1 });
    expect(noted.map((one) => one.split(":")[0])).to.deep.equal(["acme.facts", "acme.facts", "acme.facts"]);
    expect(noted[0]).to.equal("acme.facts: too hot");
    await clock.advance(extensionLimits.factsPeriodMs);
    expect((await facts())[0]?.facts).to.deep.equal({ acme: 2 });
    await system.stop();
  });

  it("go on for other hosts when too much is said of one, which is told", async () => {
    const large = "x".repeat(extensionLimits.factsBytesMax);
    const { clock, noted, system, facts } = await started({ from: [], of: () => ({ h1: large, h2: 2 }) });
    await clock.advance(1);
    expect((await facts())[1]?.facts).to.deep.equal({ acme: 2 });
    expect(noted[0]).to.equal("acme.facts: it says more than 4096 bytes of the host h1");
    await system.stop();
  });

  it("are not made of some of the rows when there are too many, which is told", async () => {
    let asked = 0;
    const of = ({ rows: read }: FactsInput) => {
      asked += 1;
      return { h1: read[window.noun]?.length };
    };
    const { clock, noted, store, system, facts } = await started({ from: [window], of });
    const made = (n: number) => ({ id: `w${n}`, name: `w${n}`, ...hours, createdAtMs: 1, version: 1 });
    const all = Array.from({ length: extensionLimits.factsRowsMax - 1 }, (_, n) => made(n));
    await store.commit({ rows: all.map((row) => ({ resource: window, made: row as ResourceRow })) });
    await clock.advance(2 * extensionLimits.factsPeriodMs);
    expect((await facts())[0]?.facts).to.deep.equal({ acme: extensionLimits.factsRowsMax });
    expect(noted).to.deep.equal([]);
    const before = asked;
    await store.commit({ rows: [{ resource: window, made: made(all.length) as ResourceRow }] });
    await clock.advance(2 * extensionLimits.factsPeriodMs);
    expect(asked).to.equal(before);
    expect((await facts())[0]?.facts).to.deep.equal({ acme: extensionLimits.factsRowsMax });
    expect(noted[0]).to.equal("acme.facts: there are more than 1000 rows of maintenance-window");
    await system.stop();
  });

  it("are awaited on every host until they have been made once, and not when they fail later", async () => {
    const answers: Record<string, unknown>[] = [{}];
    const of = () => {
      const answer = answers.pop();
      if (answer === undefined) throw new StatusError("notFound", "There is no such thing.");
      return answer;
    };
    const { clock, noted, system, facts } = await started({ from: [], of });
    const shown = await facts();
    expect(shown.map(({ factsAwaited }) => factsAwaited)).to.deep.equal([["acme"], ["acme"]]);
    await clock.advance(1);
    for (const host of await facts()) expect(host).not.to.have.any.keys("facts", "factsAwaited");
    await clock.advance(extensionLimits.factsPeriodMs);
    expect((await facts())[0]).not.to.have.any.keys("facts", "factsAwaited");
    // Every error of a plug-in is its own fault, a StatusError too.
    expect(noted).to.deep.equal(["acme.facts: There is no such thing."]);
    await system.stop();
  });

  it("are told to fail when their rows cannot be read again and again, and not for a moment", async () => {
    const { clock, noted, store, system, facts } = await started({ from: [window], of: () => ({}) });
    const { list } = store.rows;
    store.rows.list = async () => {
      throw new StatusError("storeUnavailable", "No database.");
    };
    await clock.advance((extensionLimits.factsReadsFailedMax - 1) * extensionLimits.factsPeriodMs - 1);
    expect(noted).to.deep.equal([]);
    expect((await facts())[0]?.factsAwaited).to.deep.equal(["acme"]);
    await clock.advance(extensionLimits.factsPeriodMs);
    expect(noted).to.deep.equal(["acme.facts: No database."]);
    store.rows.list = list;
    await clock.advance(extensionLimits.factsPeriodMs);
    expect((await facts())[0]?.factsAwaited).to.equal(undefined);
    await system.stop();
  });
});
