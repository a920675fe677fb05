/** When a host reports to its controllers, by value. */
import { expect } from "chai";
import { decide, type ReportEffect } from "../../../../actors/node/host/decide.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import type { ReportEvent } from "../../../../actors/node/host/messages.ts";
import { type Reporting, silent } from "../../../../actors/node/host/state.ts";

const registered: Reporting = { ...silent, phase: "registered" };
const urgent: ReportEvent = { kind: "changed", urgent: true };

function run(state: Reporting, ...events: readonly ReportEvent[]) {
  let next = state;
  const effects: ReportEffect[] = [];
  for (const event of events) {
    const decision = decide(next, event);
    next = decision.next;
    effects.push(...decision.effects);
  }
  return { next, effects, kinds: effects.map(({ kind }) => kind) };
}

describe("host: when it reports", () => {
  it("registers first, and says everything when it is registered", () => {
    const started = run(silent, { kind: "started" }, urgent);
    expect(started.kinds).to.deep.equal(["startTimer", "startTimer", "register"]);
    const { effects } = run(started.next, { kind: "registered", accepted: true });
    expect(effects).to.deep.equal([
      { kind: "renewAll" },
      { kind: "heartbeat", complete: true, stopping: false },
    ]);
  });

  it("speaks at once when it is urgent, else after a moment", () => {
    expect(run(registered, urgent).kinds).to.deep.equal(["heartbeat"]);
    const calm = run(registered, { kind: "changed", urgent: false }, { kind: "changed", urgent: false });
    expect(calm.effects).to.deep.equal([
      { kind: "startTimer", timer: "passing", ms: hostLimits.passingReportDelayMs },
    ]);
    expect(run(calm.next, { kind: "timer", timer: "passing" }).kinds).to.deep.equal(["ripen"]);
  });

  it("has only so many reports under way, and then says all the rest in one", () => {
    const busy = run(registered, ...Array.from({ length: 10 }, () => urgent));
    expect(busy.kinds.length).to.equal(hostLimits.heartbeatsInFlightMax);
    const later = run(busy.next, { kind: "answered", known: true, more: false });
    expect(later.kinds).to.deep.equal(["heartbeat"]);
    const answers = Array.from(
      { length: hostLimits.heartbeatsInFlightMax },
      () => ({ kind: "answered", known: true, more: false }) as const,
    );
    expect(run(later.next, ...answers)).to.deep.include({ effects: [], next: { ...registered } });
  });

  it("goes on at once when not everything had room", () => {
    const { next } = run(registered, urgent);
    expect(run(next, { kind: "answered", known: true, more: true }).kinds).to.deep.equal(["heartbeat"]);
  });

  it("registers again when nobody knows it", () => {
    const { next } = run(registered, urgent);
    const forgotten = run(next, { kind: "answered", known: false, more: false });
    expect(forgotten.kinds).to.deep.equal(["renewAll", "register"]);
    const second = run(forgotten.next, { kind: "answered", known: false, more: false });
    expect(second.kinds).to.deep.equal([]);
  });

  it("waits ever longer while nobody answers, and speaks at most once for each wait", () => {
    let state = run(registered, urgent).next;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const failed = run(state, { kind: "unanswered" });
      waits.push(...failed.effects.flatMap((effect) => (effect.kind === "startTimer" ? [effect.ms] : [])));
      expect(run(failed.next, urgent, urgent).kinds).to.deep.equal([]);
      const again = run(failed.next, { kind: "timer", timer: "retry" });
      expect(again.kinds).to.deep.equal(["heartbeat"]);
      state = again.next;
    }
    expect(waits.slice(0, 3)).to.deep.equal([100, 200, 400]);
    expect(waits.at(-1)).to.equal(hostLimits.reportRetryMsMax);
    expect(run(state, { kind: "answered", known: true, more: false }).next.failures).to.equal(0);
  });

  it("speaks at its period, and lists everything at a longer one", () => {
    const beat = run(registered, { kind: "timer", timer: "heartbeat" });
    expect(beat.kinds).to.deep.equal(["startTimer", "renew", "heartbeat"]);
    const inventory = run(registered, { kind: "timer", timer: "inventory" });
    expect(inventory.effects.at(-1)).to.deep.equal({ kind: "heartbeat", complete: true, stopping: false });
  });

  it("says that it ends, in every report from then on", () => {
    const { next, effects } = run(registered, { kind: "stopping" });
    expect(effects).to.deep.equal([{ kind: "heartbeat", complete: false, stopping: true }]);
    expect(run(next, urgent).effects).to.deep.equal([{ kind: "heartbeat", complete: false, stopping: true }]);
  });
});
