/** The guard's decisions, by value and by property. */
import { expect } from "chai";
import fc from "fast-check";
import { decide, nextLookAtMs } from "../../../../actors/node/guard/decide.ts";
import { guardLimits } from "../../../../actors/node/guard/limits.ts";
import type { GuardAction, GuardEvent, SeenGuest } from "../../../../actors/node/guard/messages.ts";
import { beginGuard, type GuardState, type StoredGuard } from "../../../../actors/node/guard/state.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";

const name = { instanceId: "i1", ownerEpoch: 1, pid: 100, startTicks: 7 };
const seen = (given: Partial<SeenGuest> = {}): SeenGuest => ({
  ...name,
  stopped: false,
  diskPresent: true,
  ...given,
});
const tick = (guests: readonly SeenGuest[], lookedAtMs?: number): GuardEvent => ({
  ...{ kind: "tick", guests, lookedAtMs },
});
const extend = (number: number, deadlineMs: number): GuardEvent => ({ kind: "extend", number, deadlineMs });
const stored = (given: Partial<StoredGuard> = {}): StoredGuard => ({
  ...{ bootId: "b", deadlineMs: 5_000, number: 3, stopped: [] },
  ...given,
});
const atDeadline = beginGuard(stored(), "b", 0);

/** Runs events at their times; answers all actions and the last state. */
function run(state: GuardState, ...steps: readonly (readonly [nowMs: number, event: GuardEvent])[]) {
  let next = state;
  const actions: GuardAction[] = [];
  for (const [nowMs, event] of steps) {
    const decision = decide(next, event, nowMs);
    next = decision.next;
    actions.push(...decision.actions);
  }
  return { state: next, actions };
}
/** What was done, without what was only said. */
const kinds = (actions: readonly GuardAction[]) =>
  actions.flatMap(({ kind }) => (kind === "tell" ? [] : [kind]));
const told = (actions: readonly GuardAction[]) =>
  actions.flatMap((action) => (action.kind === "tell" ? [action.what] : []));

describe("the guard's decisions", () => {
  describe("at its beginning", () => {
    it("relies on one time to live when no deadline is known", () => {
      expect(beginGuard(undefined, "b", 1_000).deadlineMs).to.equal(1_000 + leaseLimits.leaseTtlMs);
    });

    it("keeps to the deadline of the guard before it, also when that has passed", () => {
      expect(beginGuard(stored(), "b", 9_000)).to.include({ deadlineMs: 5_000, number: 3 });
    });

    it("trusts no deadline of another boot, and none that is longer than a lease", () => {
      expect(beginGuard(stored(), "other", 0)).to.include({ deadlineMs: leaseLimits.leaseTtlMs, number: 0 });
      expect(beginGuard(stored({ deadlineMs: 1e9 }), "b", 0).deadlineMs).to.equal(leaseLimits.leaseTtlMs);
    });

    it("continues what the guard before it has stopped", () => {
      const begun = beginGuard(stored({ stopped: [name] }), "b", 6_000);
      const { actions } = run(
        begun,
        [6_001, extend(4, 9_000)],
        [6_002, tick([seen({ stopped: true })], 6_002)],
      );
      expect(kinds(actions)).to.deep.equal(["look", "continue", "acknowledge"]);
    });
  });

  describe("of an extension", () => {
    it("hold it, and answer at once when nothing is stopped", () => {
      const { state, actions } = run(atDeadline, [1_000, extend(4, 8_000)]);
      expect(state.deadlineMs).to.equal(8_000);
      expect(actions).to.deep.equal([{ kind: "acknowledge", number: 4 }]);
    });

    it("ignore an older message, and answer one again that comes twice", () => {
      const { state, actions } = run(
        atDeadline,
        ...([
          [1_000, extend(4, 8_000)],
          [1_001, extend(3, 9_000)],
          [1_002, extend(4, 8_000)],
        ] as const),
      );
      expect(state.deadlineMs).to.equal(8_000);
      expect(kinds(actions)).to.deep.equal(["acknowledge", "acknowledge"]);
    });

    it("let a newer message shorten the lease, and none make it longer than a lease is", () => {
      expect(run(atDeadline, [0, extend(4, 1_000)]).state.deadlineMs).to.equal(1_000);
      expect(run(atDeadline, [0, extend(4, 1e9)]).state.deadlineMs).to.equal(leaseLimits.leaseTtlMs);
    });
  });

  describe("of a guest", () => {
    it("leave it alone before the deadline", () => {
      expect(run(atDeadline, [4_999, tick([seen()], 4_999)]).actions).to.deep.equal([]);
    });

    it("stop it at the deadline, and again when something has continued it", () => {
      const steps = [
        [5_000, tick([seen({ diskPresent: undefined })])],
        [5_250, tick([seen({ stopped: true })], 5_250)],
        [5_500, tick([seen()], 5_500)],
      ] as const;
      const { state, actions } = run(atDeadline, ...steps);
      expect(actions).to.deep.equal([
        { kind: "stop", guest: name },
        { kind: "tell", guest: name, what: "stopped", why: "leaseEnded" },
        { kind: "stop", guest: name },
      ]);
      expect(state.stopped).to.deep.equal([{ ...name, unprovedSinceMs: 5_500 }]);
    });

    it("say that it is stopped only when every thread is, and once", () => {
      const begun = run(atDeadline, [5_000, tick([seen()])], [5_020, tick([seen()])]);
      expect(told(begun.actions)).to.deep.equal([]);
      const still = seen({ stopped: true });
      const later = run(begun.state, [5_040, tick([still])], [5_060, tick([still])]);
      expect(later.actions).to.deep.equal([
        { kind: "tell", guest: name, what: "stopped", why: "leaseEnded" },
      ]);
    });

    it("kill it when it is not seen stopped in time, and say that it is gone when no thread is left", () => {
      const lateMs = 5_000 + guardLimits.guardStopProofMs;
      const { state, actions } = run(
        atDeadline,
        [5_000, tick([seen()])],
        [lateMs - 1, tick([seen()], lateMs - 1)],
        [lateMs, tick([seen()], lateMs)],
        [lateMs + 250, tick([seen()], lateMs + 250)],
      );
      expect(actions.slice(-1)).to.deep.equal([{ kind: "kill", guest: name, why: "notStopped" }]);
      expect(kinds(actions)).to.deep.equal(["stop", "stop", "kill"]);
      expect(told(actions)).to.deep.equal([]);
      const end = run(state, [lateMs + 500, tick([], lateMs + 500)]);
      expect(end.actions).to.deep.equal([{ kind: "tell", guest: name, what: "gone", why: "notStopped" }]);
      expect(end.state.stopped).to.deep.equal([]);
    });

    it("remember what was done, and when it was proved, with numbers that rise", () => {
      const steps = [
        [5_000, tick([seen()])],
        [5_020, tick([seen({ stopped: true })])],
        [6_000, extend(4, 9_000)],
        [6_001, tick([seen({ stopped: true })], 6_000)],
      ] as const;
      const { deeds } = run(atDeadline, ...steps).state;
      expect(deeds.map(({ number, what, why, atMs }) => ({ number, what, why, atMs }))).to.deep.equal([
        { number: 5_020, what: "stopped", why: "leaseEnded", atMs: 5_020 },
        { number: 6_001, what: "continued", why: "leaseRenewed", atMs: 6_001 },
      ]);
      const again = run(beginGuard({ ...stored(), deeds }, "b", 6_001), [
        6_001,
        tick([seen({ diskPresent: false })]),
      ]);
      expect(again.state.deeds.map(({ number }) => number)).to.deep.equal([5_020, 6_001, 6_002]);
    });

    it("give it its whole time again after it was seen stopped and something continued it", () => {
      const steps = [
        [5_000, tick([seen()])],
        [5_100, tick([seen({ stopped: true })])],
        [9_000, tick([seen()])],
        [9_500, tick([seen()])],
      ] as const;
      expect(kinds(run(atDeadline, ...steps).actions)).to.deep.equal(["stop", "stop", "stop"]);
    });

    it("kill what it cannot see stopped also when the lease was renewed, unless the guest may go on", () => {
      const unknown = seen({ diskPresent: undefined });
      const begun = run(atDeadline, [5_000, tick([seen()])], [5_100, extend(4, 15_000)]).state;
      const hung = run(begun, [5_200, tick([unknown], 5_200)], [6_500, tick([unknown], 6_500)]);
      expect(kinds(hung.actions)).to.deep.equal(["stop", "acknowledge", "kill"]);
      expect(kinds(run(begun, [5_200, tick([seen()], 5_200)]).actions)).to.deep.equal([
        "continue",
        "acknowledge",
      ]);
    });

    it("kill a group again while a process is in it, without another deed", () => {
      const group = { path: "/g", id: "1" };
      const taken = seen({ group, diskPresent: false });
      const { state, actions } = run(atDeadline, ...[1, 2, 3].map((ms) => [ms, tick([taken])] as const));
      expect(kinds(actions)).to.deep.equal(["kill", "killAgain", "killAgain"]);
      expect(state.deeds.map(({ what }) => what)).to.deep.equal(["killed"]);
      const after = run(state, [4, tick([])]);
      expect([kinds(after.actions), told(after.actions)]).to.deep.equal([[], ["gone"]]);
    });

    it("thaw a group again until it is seen running, without another deed, and after a look at its disk", () => {
      const frozen = seen({ group: { path: "/g", id: "1" }, stopped: true });
      const begun = beginGuard(stored({ stopped: [frozen] }), "b", 6_000);
      const { state, actions } = run(
        begun,
        [6_001, extend(4, 9_000)],
        [6_002, tick([frozen], 6_002)],
        [6_003, tick([frozen])],
        [6_004, tick([frozen], 6_004)],
      );
      expect(kinds(actions)).to.deep.equal(["look", "continue", "acknowledge", "continueAgain"]);
      expect(state.deeds.map(({ what }) => what)).to.deep.equal(["continued"]);
      const running = run(state, [6_005, tick([{ ...frozen, stopped: false }])]);
      expect([running.actions, running.state.stopped]).to.deep.equal([[], []]);
      const late = run(state, [9_000, tick([frozen])], [9_001, extend(5, 12_000)], [9_002, tick([frozen])]);
      expect(kinds(late.actions), "the disk was not looked at since").to.deep.equal(["look"]);
    });

    it("never continue one that it has killed", () => {
      const lateMs = 5_000 + guardLimits.guardStopProofMs;
      const begun = run(atDeadline, [5_000, tick([seen()])], [lateMs, tick([seen()])]).state;
      const renewed = run(begun, [lateMs + 1, extend(4, 15_000)], [lateMs + 2, tick([seen()], lateMs + 2)]);
      expect(kinds(renewed.actions)).to.deep.equal(["look", "acknowledge"]);
    });

    it("end it when its disk was taken over, also when the lease was renewed", () => {
      const gone = seen({ stopped: true, diskPresent: false });
      const past = run(atDeadline, [5_000, tick([seen()])], [5_250, tick([gone], 5_250)]);
      expect(kinds(past.actions)).to.deep.equal(["stop", "kill"]);
      const late = run(
        atDeadline,
        [5_000, tick([seen()])],
        [6_000, extend(4, 9_000)],
        [6_001, tick([gone], 6_000)],
      );
      expect(kinds(late.actions)).to.deep.equal(["stop", "look", "kill", "acknowledge"]);
      expect(late.state.stopped).to.deep.equal([{ ...name, killed: true, why: "diskTaken" }]);
    });

    it("continue it after a late renewal, before that is answered, if its disk was seen since", () => {
      const still = seen({ stopped: true });
      const steps = [
        [5_000, tick([seen()])],
        [6_000, extend(4, 9_000)],
        [6_001, tick([still], 5_990)],
        [6_002, tick([still], 6_000)],
      ] as const;
      const { state, actions } = run(atDeadline, ...steps);
      expect(kinds(actions)).to.deep.equal(["stop", "look", "continue", "acknowledge"]);
      expect(state.stopped).to.deep.equal([]);
    });

    it("end it before a late renewal is answered, though nobody was awake to stop it", () => {
      const gone = seen({ diskPresent: false });
      const { actions } = run(atDeadline, [6_000, extend(4, 9_000)], [6_001, tick([gone], 6_000)]);
      expect(kinds(actions)).to.deep.equal(["look", "kill", "acknowledge"]);
    });

    it("leave it stopped as long as nobody can tell, and answer the renewal", () => {
      const unknown = seen({ stopped: true, diskPresent: undefined });
      const begun = run(atDeadline, [5_000, tick([seen()])], [6_000, extend(4, 9_000)]).state;
      const { state, actions } = run(begun, [6_500, tick([unknown], 6_000)]);
      expect(kinds(actions)).to.deep.equal(["acknowledge"]);
      const later = run(state, [6_750, tick([seen({ stopped: true })], 6_750)]);
      expect(kinds(later.actions)).to.deep.equal(["continue"]);
    });

    it("never continue one that somebody else has stopped", () => {
      const steps = [
        [5_000, tick([seen({ stopped: true })], 5_000)],
        [6_000, extend(4, 9_000)],
        [6_001, tick([seen({ stopped: true })], 6_001)],
      ] as const;
      expect(kinds(run(atDeadline, ...steps).actions)).to.deep.equal(["look", "acknowledge"]);
    });

    it("take another process with the same number for another", () => {
      const begun = run(atDeadline, [5_000, tick([seen()])], [6_000, extend(4, 9_000)]).state;
      const other = seen({ startTicks: 8, stopped: true });
      expect(kinds(run(begun, [6_001, tick([other], 6_001)]).actions)).to.deep.equal(["acknowledge"]);
    });
  });

  it("look at the guests before the deadline, at it, and then again and again", () => {
    expect(nextLookAtMs(atDeadline, 0)).to.equal(5_000 - guardLimits.guardWarningMs);
    expect(nextLookAtMs(atDeadline, 4_500)).to.equal(5_000);
    expect(nextLookAtMs(atDeadline, 5_000)).to.equal(5_000 + guardLimits.guardScanPeriodMs);
    const late = run(atDeadline, [6_000, extend(4, 16_000)]).state;
    expect(nextLookAtMs(late, 6_000)).to.equal(6_000 + guardLimits.guardScanPeriodMs);
  });

  it("have less time to see a guest stopped, and to kill it, than a controller waits before it fences", () => {
    const { guardStopProofMs, guardScanPeriodMs } = guardLimits;
    expect(guardStopProofMs + guardScanPeriodMs).to.be.at.most(leaseLimits.fenceMarginMs * 0.9);
  });

  describe("whatever happens", () => {
    const someGuest = fc.record({
      pid: fc.integer({ min: 1, max: 3 }),
      stopped: fc.boolean(),
      diskPresent: fc.constantFrom(true, false, undefined),
    });
    const someGuests = fc.uniqueArray(someGuest, { selector: ({ pid }) => pid, maxLength: 3 });
    const someStep = fc.record({
      afterMs: fc.integer({ min: 0, max: 4_000 }),
      event: fc.oneof(
        fc.record({
          kind: fc.constant("extend" as const),
          number: fc.integer({ min: 0, max: 20 }),
          aheadMs: fc.integer({ min: -5_000, max: 20_000 }),
        }),
        fc.record({
          kind: fc.constant("tick" as const),
          guests: someGuests,
          lookAgoMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
        }),
      ),
    });

    it("no guest runs past the deadline, none ends whose directory is there, none of another's goes on", () => {
      fc.assert(
        fc.property(fc.array(someStep, { maxLength: 60, size: "max" }), (steps) => {
          let state = beginGuard(undefined, "b", 0);
          let nowMs = 0;
          for (const { afterMs, event: made } of steps) {
            nowMs += afterMs;
            const event: GuardEvent =
              made.kind === "extend"
                ? extend(made.number, nowMs + made.aheadMs)
                : tick(
                    made.guests.map((one) => seen({ ...one, instanceId: `i${one.pid}` })),
                    made.lookAgoMs === undefined ? undefined : nowMs - made.lookAgoMs,
                  );
            const decision = decide(state, event, nowMs);
            check(state, event, decision.actions, nowMs);
            expect(decision.next.deadlineMs).to.be.at.most(nowMs + leaseLimits.leaseTtlMs);
            expect(nextLookAtMs(decision.next, nowMs)).to.be.greaterThan(nowMs);
            state = decision.next;
          }
        }),
      );
    });
  });
});

function check(state: GuardState, event: GuardEvent, actions: readonly GuardAction[], nowMs: number): void {
  if (event.kind === "extend") {
    if (event.number < state.number) expect(actions).to.deep.equal([]);
    return;
  }
  for (const guest of event.guests) {
    const own = actions.flatMap((action) =>
      action.kind !== "tell" && "guest" in action && action.guest.pid === guest.pid ? [action.kind] : [],
    );
    expect(own.length).to.be.at.most(1);
    const [did] = own;
    const held = state.stopped.find(({ pid }) => pid === guest.pid);
    if (held?.killed === true) expect(own).to.deep.equal([]);
    else if (nowMs >= state.deadlineMs && !guest.stopped) expect(["stop", "kill"]).to.include(did);
    const unprovedMs = nowMs - (held?.unprovedSinceMs ?? nowMs);
    const hangs = !guest.stopped && unprovedMs >= guardLimits.guardStopProofMs;
    if (did === "kill") expect(guest.diskPresent === false || hangs).to.equal(true);
    if (did === "stop") expect(nowMs >= state.deadlineMs || held !== undefined).to.equal(true);
    if (actions.some((action) => action.kind === "tell" && action.guest.pid === guest.pid))
      expect(guest.stopped, "what is told is seen").to.equal(true);
    if (did === "continue") {
      expect(nowMs).to.be.below(state.deadlineMs);
      expect(state.stopped.map(({ pid }) => pid)).to.include(guest.pid);
      expect(event.lookedAtMs).to.be.at.least(state.extendedAtMs);
    }
  }
}
