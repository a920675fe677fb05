/** The meter in memory: counters, times, readers that throw, and bounds on the values of labels. */
import { expect } from "chai";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import { nullMeter, only } from "../../../actors/runtime/meter.ts";
import { meterActors, meterCalls, meterSpaces } from "../../../actors/runtime/metered.ts";
import { boundsOf, definitions } from "../../../actors/runtime/metrics.ts";
import { silentLog } from "../../support/silent-log.ts";
import { type Noted, rememberingLog } from "../../support/wire-world.ts";

const made = () => new CountingMeter(silentLog);

describe("the counting meter", () => {
  it("adds up a counter by its labels, by one or by more", () => {
    const meter = made();
    meter.count("novact_calls_total", { method: "instance.create", code: "OK" });
    meter.count("novact_calls_total", { method: "instance.create", code: "OK" }, 2);
    meter.count("novact_calls_total", { method: "instance.create", code: "NOT_FOUND" });
    expect(meter.read("novact_calls_total").map(({ labels, value }) => [...labels, value])).to.deep.equal([
      ["instance.create", "OK", 3],
      ["instance.create", "NOT_FOUND", 1],
    ]);
    expect(meter.valueOf("novact_calls_total", { method: "instance.list", code: "OK" })).to.equal(0);
  });

  it("does not mind in which order labels are given", () => {
    const meter = made();
    meter.count("novact_calls_total", { code: "OK", method: "a.b" });
    meter.count("novact_calls_total", { method: "a.b", code: "OK" });
    expect(meter.valueOf("novact_calls_total", { method: "a.b", code: "OK" })).to.equal(2);
  });

  it("puts a time into the bucket of its bound, in seconds, and what is longer than all into none", () => {
    const meter = made();
    const bounds = boundsOf("time");
    for (const ms of [0, 0.5, 0.6, 1_000, 90_000]) meter.time("novact_commit_batch_seconds", {}, ms);
    const [series] = meter.read("novact_commit_batch_seconds");
    expect(series?.value).to.equal(5);
    expect(series?.sum).to.be.closeTo(91.0011, 1e-9);
    const filled = series?.buckets.flatMap((count, at) => (count === 0 ? [] : [[bounds[at], count]]));
    expect(filled).to.deep.equal([
      [0.0005, 2],
      [0.001, 1],
      [1, 1],
    ]);
  });

  it("keeps sizes as they are", () => {
    const meter = made();
    meter.size("novact_commit_batch_commits", {}, 3);
    expect(meter.read("novact_commit_batch_commits")[0]).to.include({ value: 1, sum: 3 });
  });

  it("reads a gauge when it is asked, adds up several readers, and forgets what is gone", () => {
    const meter = made();
    let names = ["a", "b"];
    const spaces = () => names.map((of) => ({ of, freeMib: 1, totalMib: 4, full: of === "b" }));
    meterSpaces(meter, spaces);
    meter.look("novact_calls_under_way", () => [[{ door: "host" }, 2]]);
    meter.look("novact_calls_under_way", () => [[{ door: "host" }, 3]]);
    expect(meter.valueOf("novact_calls_under_way", { door: "host" })).to.equal(5);
    expect(meter.valueOf("novact_file_system_free_bytes", { of: "a" })).to.equal(1024 ** 2);
    expect(meter.valueOf("novact_file_system_full", { of: "b" })).to.equal(1);
    expect(meter.read("novact_disks_allocated_bytes"), "nobody knows it").to.deep.equal([]);
    names = ["a"];
    expect(meter.read("novact_file_system_full").map(({ labels }) => labels)).to.deep.equal([["a"]]);
  });

  it("leaves out what cannot be read, says so in the log, and shows the rest", () => {
    const noted: Noted[] = [];
    const meter = new CountingMeter(rememberingLog(noted));
    meter.look("novact_actors", () => {
      throw new Error("no");
    });
    meter.look("novact_heap_bytes", () => only(Number.NaN));
    meter.look("novact_events_unpublished", () => only(undefined));
    meter.look("novact_nats_connected", () => only(1));
    expect(meter.measure().map(({ name }) => name)).to.deep.equal(["novact_nats_connected"]);
    expect(noted.map(({ level, fields }) => [level, fields.metric])).to.deep.equal([
      ["warn", "novact_actors"],
    ]);
  });

  it("tells a bounded number of names apart, whatever comes", () => {
    const meter = made();
    for (let at = 0; at < 3 * actorLimits.meteredMethodsMax; at += 1) {
      const method = `thing.m${at}`;
      meter.count("novact_calls_total", { method, code: "OK" });
      meter.count("novact_calls_total", { method, code: "INTERNAL" });
      meter.time("novact_call_seconds", { method }, 1);
    }
    expect(meter.read("novact_call_seconds")).to.have.length(actorLimits.meteredMethodsMax + 1);
    expect(meter.read("novact_calls_total")).to.have.length(2 * (actorLimits.meteredMethodsMax + 1));
    const others = 2 * actorLimits.meteredMethodsMax;
    expect(meter.valueOf("novact_calls_total", { method: "other", code: "OK" })).to.equal(others);
    meter.count("novact_calls_total", { method: "thing.m0", code: "OK" });
    expect(meter.valueOf("novact_calls_total", { method: "thing.m0", code: "OK" })).to.equal(2);
  });

  it("shows a counter as 0 with every label of its closed lists, when it is told to", () => {
    const meter = made();
    meter.zero("novact_calls_kept_out_total", "novact_actor_turns_total", "novact_calls_total");
    const seen = meter.measure().map(({ name, series }) => [name, series.length, series.every(isZero)]);
    expect(seen).to.deep.equal([
      ["novact_calls_kept_out_total", 8, true],
      ["novact_actor_turns_total", 1, true],
    ]);
  });

  it("gives its values away: what it counts afterwards does not change them", () => {
    const meter = made();
    meter.time("novact_commit_batch_seconds", {}, 1);
    const [before] = meter.read("novact_commit_batch_seconds");
    meter.time("novact_commit_batch_seconds", {}, 1);
    expect(before?.value).to.equal(1);
    expect(before?.buckets.reduce((sum, one) => sum + one, 0)).to.equal(1);
  });

  it("shows the actors that are loops and have had a round, by the time since it ended", () => {
    const meter = made();
    const last = { beganAtMs: 1_000, tookMs: 500, failed: true, did: "" };
    const loop = { pauseMs: 1, roundMsMax: 1, last, rounds: 1, underWaySinceMs: undefined, hanging: 2 };
    const actor = { kind: "loop", phase: "up" as const, incarnation: 1, waiting: 3 };
    const actors = [
      { ...actor, path: "one", loop },
      { ...actor, path: "other", loop: { ...loop, last: undefined } },
      { ...actor, path: "none", loop: undefined },
    ];
    meterActors(meter, { monotonicMs: () => 3_500 }, () => actors);
    const ended = meter.read("novact_loop_ended_seconds").map(({ labels, value }) => [...labels, value]);
    expect(ended).to.deep.equal([["one", 2]]);
    expect(meter.valueOf("novact_loop_took_seconds", { loop: "one" })).to.equal(0.5);
    expect(meter.valueOf("novact_loop_failed", { loop: "one" })).to.equal(1);
    expect(meter.valueOf("novact_loop_hanging_rounds", { loop: "one" })).to.equal(2);
    expect(meter.valueOf("novact_mailbox_messages", {})).to.equal(9);
  });

  it("counts a call that names no method there is as unknown", () => {
    const meter = made();
    const calls = meterCalls(meter, "command");
    calls.answered(undefined, "UNIMPLEMENTED", 1);
    calls.keptOut("dropped");
    expect(meter.valueOf("novact_calls_total", { method: "unknown", code: "UNIMPLEMENTED" })).to.equal(1);
    expect(meter.valueOf("novact_calls_kept_out_total", { door: "command", how: "dropped" })).to.equal(1);
  });
});

const isZero = ({ value }: { readonly value: number }): boolean => value === 0;

describe("the meter that is off", () => {
  it("reads nothing and keeps nothing", () => {
    let reads = 0;
    const read = () => {
      reads += 1;
      return only(1);
    };
    nullMeter.look("novact_actors", read);
    nullMeter.count("novact_actor_turns_total", {});
    nullMeter.time("novact_commit_line_seconds", {}, 1);
    expect([nullMeter.on, reads]).to.deep.equal([false, 0]);
  });
});

describe("metrics", () => {
  it("are named as Prometheus wants it: what grows ends in _total, times in seconds, no other does", () => {
    const wrong = [...definitions].filter(([name, { kind }]) => {
      const shape = /^(?:novact|process)_[a-z0-9]+(?:_[a-z0-9]+)*$/.test(name);
      const total = name.endsWith("_total") === (kind === "counter");
      return !shape || !total || (kind === "time" && !name.endsWith("_seconds"));
    });
    expect(wrong).to.deep.equal([]);
  });

  it("have no label for what a tenant makes, and say what they mean in one sentence", () => {
    for (const [name, { help, labels }] of definitions) {
      expect(help, name).to.match(/^[A-Z].*[^.]\.$/);
      for (const label of Object.keys(labels))
        expect(label, name)
          .to.match(/^[a-z]+$/)
          .and.not.match(/project|tenant|user|instance|host|guest|image|id$/);
    }
  });
});
