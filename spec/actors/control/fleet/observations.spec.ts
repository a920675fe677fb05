/**
 * What a controller does with the observations of a report: which actors wake, which observations are
 * confirmed as durable, and how the log and the doctor hear of impossible ones.
 */
import { expect } from "chai";
import { type Reported, take } from "../../../../actors/control/fleet/observations.ts";
import { StrangeReports } from "../../../../actors/control/fleet/strange-reports.ts";
import type { ObservedAnswer } from "../../../../actors/control/instance/messages.ts";
import { InstanceRegistry } from "../../../../actors/control/instance/registry.ts";
import type { ReportedMachine } from "../../../../actors/ports/instance-reads.ts";
import type { AskOptions, Reply } from "../../../../actors/runtime/system.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { reportLimits } from "../../../../protocol/limits/report.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import * as rows from "../../../support/store-rows.ts";
import { type Noted, rememberingLog } from "../../../support/wire-world.ts";

const { machine } = rows;
const report = { id: "h1", deadlineMs: 1_000, leaseEpoch: 0, complete: true };

describe("hosts: observations", () => {
  let asked: string[];
  let told: string[];
  let here: string[];
  let stored: readonly ReportedMachine[] | Error;
  let reads: number;
  let answer: (id: string) => ObservedAnswer;
  let noted: Noted[];
  let clock: SimulatedClock;
  let strange: StrangeReports;

  const row = (instanceId: string, changes: Partial<ReportedMachine> = {}): ReportedMachine => ({
    ...{
      instanceId,
      ownerEpoch: 1,
      claimedBy: "h1",
      seen: { hostId: "h1", generation: 1, state: "running" },
    },
    ...changes,
  });
  const seen = (id: string, changes: Partial<Observation> = {}) =>
    machine(id, { generation: 1, state: "running", ...changes });
  const hear = (machines: readonly Observation[], said: Partial<Reported> = {}) =>
    take(
      machines,
      { ...report, ...said },
      {
        store: {
          instances: {
            onHost: async () => [],
            reported: async (keys) => {
              reads += 1;
              if (stored instanceof Error) throw stored;
              const ids = new Set(keys.map(({ instanceId }) => instanceId));
              return stored.filter(({ instanceId }) => ids.has(instanceId));
            },
          },
        },
        registry: {
          has: (id) => here.includes(id),
          ask: async <A>(id: string, _message: (reply: Reply<A>) => unknown, _options: AskOptions) => {
            asked.push(id);
            return answer(id) as A;
          },
          tell: async (id, { kind }) => {
            told.push(`${kind} ${id}`);
          },
        },
        strange,
      },
    );

  beforeEach(() => {
    [asked, told, here, stored, reads, noted] = [[], [], [], [], 0, []];
    answer = () => "settled";
    clock = new SimulatedClock();
    strange = new StrangeReports({ clock, log: rememberingLog(noted) });
  });

  it("wakes nobody for what is stored already, loaded or not, and says that it is durable", async () => {
    stored = [row("old"), row("loaded"), row("news")];
    here = ["loaded"];
    const machines = [seen("old"), seen("loaded"), seen("news", { generation: 2 })];
    expect(await hear(machines)).to.have.members(["old", "loaded", "news"]);
    expect([asked, reads, noted]).to.deep.equal([["news"], 1, []]);
  });

  it("asks only who is here when the store cannot say: it could load no other", async () => {
    here = ["here"];
    stored = new StatusError("storeUnavailable", "No database.");
    expect(await hear([seen("here"), seen("away")])).to.deep.equal(["here"]);
    expect(asked).to.deep.equal(["here"]);
    expect(noted.map(({ fields }) => fields)).to.deep.equal([
      { host: "h1", failed: { storeUnavailable: 1 }, failedOnes: ["away"] },
    ]);
  });

  it("asks who is here at once about a change, and hears from the actor what cannot be", async () => {
    here = ["fast", "far"];
    answer = (id) => (id === "far" ? "impossible" : "settled");
    const changes = [seen("fast", { generation: 2 }), seen("far", { generation: 2 ** 40 })];
    expect(await hear(changes, { complete: false })).to.deep.equal(["fast"]);
    expect([asked, reads, told]).to.deep.equal([["fast", "far"], 0, ["reload far", "tellHosts far"]]);
    expect(strange.lately()).to.have.length(1);
  });

  it("has what is not settled reported again", async () => {
    stored = [row("going", { claimedBy: null, seen: null })];
    answer = () => "open";
    expect(await hear([seen("going")])).to.deep.equal([]);
    expect(noted).to.deep.equal([]);
  });

  it("wakes nobody for instances that do not exist, however many, by one read and with one line", async () => {
    const invented = Array.from({ length: reportLimits.reportEntriesMax }, (_, n) => seen(`invented-${n}`));
    expect(await hear(invented)).to.have.length(invented.length);
    expect([asked, told, reads, noted.length]).to.deep.equal([[], [], 1, 1]);
    expect(noted[0]?.fields).to.deep.include({ host: "h1", unknown: invented.length });
    expect(JSON.stringify(noted).length).to.be.below(1_000);
    expect(strange.lately()).to.deep.equal([]);
  });

  it("wakes nobody for instances of other hosts, and those that are gone without a claim", async () => {
    stored = [row("theirs", { claimedBy: "h2", seen: null }), row("left", { claimedBy: null, seen: null })];
    expect(await hear([seen("theirs"), seen("left", { state: "gone" })])).to.have.members(["theirs", "left"]);
    expect(asked).to.deep.equal([]);
    await hear([seen("left")]);
    expect(asked).to.deep.equal(["left"]);
  });

  it("takes no generation that cannot be, tells the host the stored one, and takes the others", async () => {
    const far = 2 + reportLimits.observedStepMax;
    stored = [row("far"), row("near"), row("news")];
    const machines = [seen("far", { generation: far }), seen("near", { generation: far - 1 })];
    expect(await hear([...machines, seen("news", { generation: 2 })])).to.have.members(["near", "news"]);
    expect(asked).to.have.members(["near", "news"]);
    expect(told).to.deep.equal(["reload far", "tellHosts far"]);
    expect(noted.map(({ fields }) => fields)).to.deep.equal([
      { host: "h1", impossible: 1, impossibleOnes: ["far"] },
    ]);
    expect(strange.lately()).to.deep.equal([
      { hostId: "h1", example: "The generation of instance far cannot be." },
    ]);
  });

  it("tells a host of few of its impossible generations at once", async () => {
    stored = Array.from({ length: 500 }, (_, n) => row(`i${n}`));
    const machines = stored.map(({ instanceId }) => seen(instanceId, { generation: 2 ** 40 }));
    expect(await hear(machines)).to.deep.equal([]);
    expect([asked.length, told.length, noted.length]).to.deep.equal([0, 40, 1]);
  });

  it("tells a host once of an instance that it names again and again", async () => {
    stored = [row("far")];
    const often = Array.from({ length: 30 }, () => seen("far", { generation: 2 ** 40 }));
    expect(await hear(often)).to.deep.equal([]);
    expect(told).to.deep.equal(["reload far", "tellHosts far"]);
  });

  it("logs one line for all that failed, by reason, and stores the rest", async () => {
    stored = ["a", "b", "c", "d"].map((id) => row(id, { seen: null }));
    answer = (id) => {
      if (id === "a") return "settled";
      throw new StatusError(id === "d" ? "mailboxFull" : "storeUnavailable", "Not now.");
    };
    expect(await hear(["a", "b", "c", "d"].map((id) => seen(id)))).to.deep.equal(["a"]);
    expect(noted.map(({ fields }) => fields)).to.deep.equal([
      { host: "h1", failed: { storeUnavailable: 2, mailboxFull: 1 }, failedOnes: ["b", "c", "d"] },
    ]);
  });

  it("logs a line in ten seconds for a host, and shows the doctor what lasts for as long as it does", async () => {
    const leftOut = { entries: 7, sentences: ["Entry 3: The field state must be one of on, off."] };
    for (let beat = 0; beat < 20; beat += 1) {
      await hear([], { leftOut });
      await clock.advance(1_000);
    }
    expect(noted.map(({ fields }) => fields)).to.deep.equal([
      { host: "h1", leftOut: 7, why: leftOut.sentences },
      { host: "h1", leftOut: 7, why: leftOut.sentences, reportsBefore: 9 },
    ]);
    expect(strange.lately()).to.deep.equal([{ hostId: "h1", example: leftOut.sentences[0] }]);
    await clock.advance(15_000);
    expect(strange.lately()).to.deep.equal([]);
  });
});

describe("hosts: observations of machines at rest", () => {
  it("keep no instance's actor in memory: two inventories later it is gone", async () => {
    const { clock, system, end } = actorWorld();
    const store = new MemoryStore(clock);
    await store.commit({ ...rows.catalog, hosts: [rows.inventory("h1")] });
    const seen = machine("i1", { hostId: "h1", generation: 1, state: "running" });
    const instance = rows.instance("i1", { hostId: "h1", ownerEpoch: 1, settled: true, built: true });
    await store.commit(rows.changeTurn(instance, { machines: [seen], claims: [rows.claim("i1", "h1")] }));
    const forbidden = async () => {
      throw new Error("nobody is asked");
    };
    const registry = new InstanceRegistry(system, {
      ...{ store, clock, log: silentLog, commit: (commit) => store.commit(commit) },
      ...{ ids: { next: () => "id" }, hostFacts: () => undefined, fencesOf: () => [] },
      ...{ hostFull: () => undefined, askHost: forbidden, place: forbidden, roomOn: () => undefined },
    });
    const strange = new StrangeReports({ clock, log: silentLog });
    await registry.tell("i1", { kind: "reload" });
    await clock.advance(0);
    expect(registry.size).to.equal(1);
    for (let inventory = 0; inventory < 3; inventory += 1) {
      const deadlineMs = clock.monotonicMs() + 3_000;
      const taken = take([seen], { ...report, deadlineMs }, { store, registry, strange });
      await clock.advance(30_000);
      expect(await taken).to.deep.equal(["i1"]);
    }
    expect(registry.size).to.equal(0);
    registry.close();
    await end();
  });
});
