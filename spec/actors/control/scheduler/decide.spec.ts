/** The scheduler's decisions: optimistic accounting, freshness, round robin. All by value. */
import { expect } from "chai";
import { ClaimLog } from "../../../../actors/control/scheduler/claim-log.ts";
import { decide } from "../../../../actors/control/scheduler/decide.ts";
import { isAlive } from "../../../../actors/control/scheduler/filters/alive.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import type { SchedulerMessage } from "../../../../actors/control/scheduler/messages.ts";
import { emptyState, type SchedulerState } from "../../../../actors/control/scheduler/state.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import {
  following,
  host,
  hostIds,
  knowing,
  ranking,
  refresh,
  reply,
  request,
  scheduler,
  wallMs,
} from "./worlds.ts";

const rankMessage: SchedulerMessage = { kind: "rank", request: request(), reply };
const claimed = (hostId: string): SchedulerMessage => ({ kind: "claimed", hostId, amounts: request() });
const released = (hostId: string): SchedulerMessage => ({ kind: "released", hostId, amounts: request() });
const freeVcpus = (state: SchedulerState, position = 0): number | undefined => {
  const view = state.hosts.at(position);
  return view === undefined ? undefined : view.capacity.vcpus - view.claimed.vcpus;
};

describe("scheduler: decisions", () => {
  it("counts its own claims and releases before the store shows them", () => {
    const state = knowing(host("a"));
    expect(freeVcpus(following(state, [claimed("a"), claimed("a"), released("a")]).next)).to.equal(7);
  });

  it("counts what else a claim takes: CPUs of its own, and the work of a build", () => {
    const numa = [{ vcpus: 8, memoryMib: 8_192, hugePages: [] }];
    const amounts = request({ vcpus: 3, extraSpecs: { "hw:cpu_policy": "dedicated" } });
    const message: SchedulerMessage = { kind: "claimed", hostId: "a", amounts };
    const after = following(knowing(host("a", { numa, ioOps: 1, instances: 4 })), [message]).next;
    expect(after.hosts.at(0)).to.include({ pinnedCpus: 3, ioOps: 2, instances: 5 });
    expect(after.hosts.at(0)?.numaUse).to.deep.equal([{ pinnedCpus: 3, memoryMib: 512, hugePages: [] }]);
    const released = following(after, [{ ...message, kind: "released" }]).next;
    expect(released.hosts.at(0)).to.include({ pinnedCpus: 0, ioOps: 1, instances: 4 });
  });

  it("forgives a silence in which nobody could be heard, but not one that began long before", () => {
    const state = knowing(host("a"));
    const alive = (atMs: number, ...before: readonly SchedulerMessage[]) => {
      const view = following(state, before, atMs).next.hosts.at(0);
      return view !== undefined && isAlive(view, atMs);
    };
    const [soon, late] = [leaseLimits.hostSilentMs + 5_000, schedulerLimits.outageForgivenMs + 5_000];
    expect([alive(soon), alive(soon, { kind: "cutOff" })]).to.deep.equal([false, true]);
    expect([alive(late), alive(late, { kind: "cutOff" })]).to.deep.equal([false, false]);
  });

  it("a read that began after a claim replaces it; one that began before does not lose it", () => {
    const state = following(knowing(host("a")), [claimed("a")], 5).next;
    const readBefore = decide(scheduler, state, refresh([host("a")], 4), 6).next;
    expect(freeVcpus(readBefore)).to.equal(7);
    const readAfter = decide(scheduler, readBefore, refresh([host("a", { vcpusClaimed: 1 })], 7), 8).next;
    expect(freeVcpus(readAfter)).to.equal(7);
    expect([...readAfter.pending]).to.deep.equal([]);
  });

  it("remembers a bounded number of claims", () => {
    const claim = { hostId: "a", amounts: request(), sign: 1, atMs: 1 } as const;
    let pending = ClaimLog.none();
    for (let count = 0; count < schedulerLimits.schedulerPendingMax; count++) pending = pending.add(claim);
    const { next } = decide(scheduler, { ...knowing(host("a")), pending }, claimed("a"), 2);
    expect(next.pending).to.have.length(schedulerLimits.schedulerPendingMax);
    expect([...next.pending].at(-1)).to.include({ atMs: 2 });
  });

  it("spreads equal requests evenly over equal hosts", () => {
    let state = knowing(...["a", "b", "c", "d"].map((id) => host(id)));
    const chosen: Record<string, number> = {};
    for (let index = 0; index < 32; index++) {
      const { next, answers } = decide(scheduler, state, rankMessage, 1);
      const [answer] = answers;
      const first = answer?.kind === "rank" ? hostIds(answer.answer)[0] : undefined;
      chosen[first ?? "none"] = (chosen[first ?? "none"] ?? 0) + 1;
      state = decide(scheduler, next, claimed(first ?? ""), 1).next;
    }
    expect(chosen).to.deep.equal({ a: 8, b: 8, c: 8, d: 8 });
  });

  it("equals take turns even when nothing is claimed, the same way every time", () => {
    const run = () => {
      let state = knowing(host("a"), host("b"), host("c"));
      return Array.from({ length: 6 }, () => {
        const decision = decide(scheduler, state, rankMessage, 1);
        state = decision.next;
        const [answer] = decision.answers;
        return answer?.kind === "rank" ? hostIds(answer.answer)[0] : undefined;
      });
    };
    expect(run()).to.deep.equal(["a", "b", "c", "a", "b", "c"]);
    expect(run()).to.deep.equal(run());
  });

  it("places many as if each were there when the next is placed, and changes no view", () => {
    const state = knowing(host("a", { vcpus: 2 }), host("b", { vcpus: 1 }));
    const many = (count: number): SchedulerMessage => ({
      kind: "rankMany",
      request: request(),
      count,
      reply,
    });
    const good = decide(scheduler, state, many(3), 1);
    const [answer] = good.answers;
    expect(answer).to.have.property("kind", "rankMany");
    const rankings =
      answer?.kind === "rankMany" && answer.answer.kind === "ranked" ? answer.answer.candidates : [];
    expect(rankings.map(([first]) => first?.hostId).sort()).to.deep.equal(["a", "a", "b"]);
    expect(good.next.hosts).to.equal(state.hosts);
    const waits = decide(scheduler, state, many(4), 1);
    expect(waits.answers).to.deep.equal([]);
    const [denied] = decide(
      scheduler,
      waits.next,
      refresh([host("a", { vcpus: 2 }), host("b", { vcpus: 1 })], 1),
      2,
    ).answers;
    expect(
      denied?.kind === "rankMany" && denied.answer.kind === "denied" && denied.answer.denial.message,
    ).to.match(/^3 of 4 instances find room; at the 4th: /);
  });

  it("does not deny from an old view: reads first, and offers the host that has become free", () => {
    const state = knowing(host("a", { vcpusClaimed: 8 }));
    const asked = decide(scheduler, state, rankMessage, 50);
    expect(asked.answers).to.deep.equal([]);
    expect(asked.effects).to.deep.equal([{ kind: "readHosts", atMs: 50 }]);
    const [answer] = decide(scheduler, asked.next, refresh([host("a")], 50), 52).answers;
    expect(answer?.kind === "rank" ? hostIds(answer.answer) : []).to.deep.equal(["a"]);
  });

  it("denies when the fresh view says the same", () => {
    const full = host("a", { vcpusClaimed: 8 });
    const asked = decide(scheduler, knowing(full), rankMessage, 50);
    const { answers, next } = decide(scheduler, asked.next, refresh([full], 50), 52);
    expect(answers[0]?.kind === "rank" ? answers[0].answer.kind : "").to.equal("denied");
    expect(next.waiting).to.deep.equal([]);
  });

  it("a question asked during a read waits for the next read, not for that one", () => {
    const full = host("a", { vcpusClaimed: 8 });
    const reading = decide(scheduler, knowing(full), { kind: "hostsChanged" }, 40).next;
    const asked = decide(scheduler, reading, rankMessage, 50);
    expect(asked.effects).to.deep.equal([]);
    const first = decide(scheduler, asked.next, refresh([full], 40), 52);
    expect(first.answers).to.deep.equal([]);
    expect(first.effects).to.deep.equal([{ kind: "readHosts", atMs: 52 }]);
    const second = decide(scheduler, first.next, refresh([host("a")], 52), 54);
    expect(second.answers).to.have.length(1);
  });

  it("rather offers a host twice than deny because a claim may have been counted twice", () => {
    // The read at 50 shows the claim already; the message about the claim arrives at 51.
    const waiting = decide(scheduler, knowing(host("a", { vcpusClaimed: 8 })), rankMessage, 50).next;
    const told = decide(scheduler, waiting, claimed("a"), 51).next;
    const { answers, next } = decide(scheduler, told, refresh([host("a", { vcpusClaimed: 7 })], 50), 52);
    expect(answers[0]?.kind === "rank" ? hostIds(answers[0].answer) : []).to.deep.equal(["a"]);
    expect(freeVcpus(next)).to.equal(0);
  });

  it("what changed about a host is seen by the next question, also when a read was under way", () => {
    const state = knowing(host("a"), host("b"));
    const disabled = [host("a", { enabled: false }), host("b")];
    const told = following(state, [{ kind: "tick" }, { kind: "hostsChanged" }], 10).next;
    const asked = decide(scheduler, told, rankMessage, 12);
    expect(asked.answers).to.deep.equal([]);
    const old = decide(scheduler, asked.next, refresh([host("a"), host("b")], 10), 13);
    expect(old.answers).to.deep.equal([]);
    expect(old.effects).to.deep.equal([{ kind: "readHosts", atMs: 13 }]);
    const [answer] = decide(scheduler, old.next, refresh(disabled, 13), 14).answers;
    expect(answer?.kind === "rank" ? hostIds(answer.answer) : []).to.deep.equal(["b"]);
  });

  it("a host that a commit found full is passed by until it was read again", () => {
    const { next, effects } = decide(
      scheduler,
      knowing(host("a"), host("b")),
      { kind: "full", hostId: "a" },
      9,
    );
    expect(effects).to.deep.equal([{ kind: "readHosts", atMs: 9 }]);
    expect(hostIds(ranking(next))).to.deep.equal(["b"]);
    expect(
      hostIds(ranking(decide(scheduler, next, refresh([host("a"), host("b")], 9), 10).next)),
    ).to.have.length(2);
  });

  it("waits for the first read instead of saying that there are no hosts", () => {
    const asked = decide(scheduler, emptyState(), { kind: "alive", reply }, 1);
    expect(asked.answers).to.deep.equal([]);
    const [answer] = decide(scheduler, asked.next, refresh([host("a")], 1), 2).answers;
    expect(answer).to.deep.include({ kind: "alive", answer: new Set(["a"]) });
  });

  it("when the store cannot be read: ranks by what it knows, and denies nothing for it", () => {
    const nothing = following(emptyState(), [rankMessage, { kind: "refreshFailed" }]);
    expect(nothing.answers[0]).to.have.nested.property("denial.reason", "storeUnavailable");
    const full = following(knowing(host("a", { vcpusClaimed: 8 })), [rankMessage, { kind: "refreshFailed" }]);
    expect(full.answers[0]).to.have.nested.property("denial.reason", "storeUnavailable");
    const good = following(knowing(host("a")), [{ kind: "refreshFailed" }]).next;
    expect(hostIds(ranking(good))).to.deep.equal(["a"]);
  });

  it("one read at a time, and one that never ends is given up", () => {
    const first = decide(scheduler, knowing(host("a")), { kind: "tick" }, 1_000);
    expect(first.effects).to.deep.equal([{ kind: "readHosts", atMs: 1_000 }, { kind: "tickLater" }]);
    const second = decide(scheduler, first.next, { kind: "tick" }, 2_000);
    expect(second.effects).to.deep.equal([{ kind: "tickLater" }]);
    const later = 1_000 + schedulerLimits.schedulerReadTimeoutMs;
    const third = decide(scheduler, second.next, { kind: "tick" }, later);
    expect(third.effects).to.deep.equal([{ kind: "readHosts", atMs: later }, { kind: "tickLater" }]);
    const fresh = decide(scheduler, third.next, refresh([host("a"), host("b")], later), later + 1).next;
    expect(decide(scheduler, fresh, refresh([host("a")], 1_000), later + 2).next.hosts).to.have.length(2);
  });

  it("the list of those who wait is bounded; beyond it the old view has to do", () => {
    const full = knowing(host("a", { vcpusClaimed: 8 }));
    const waiting = Array.from({ length: schedulerLimits.schedulerWaitingMax }, () => ({
      question: { kind: "rank", request: request(), reply } as const,
      askedAtMs: 1,
    }));
    const { answers, next } = decide(scheduler, { ...full, waiting }, rankMessage, 2);
    expect(answers[0]?.kind === "rank" ? answers[0].answer.kind : "").to.equal("denied");
    expect(next.waiting).to.have.length(schedulerLimits.schedulerWaitingMax);
  });

  it("nobody who has gone is answered", () => {
    const gone: SchedulerMessage = { kind: "rank", request: request(), reply: { ...reply, done: true } };
    expect(following(emptyState(), [gone, refresh([host("a")], 2)]).answers).to.deep.equal([]);
  });

  describe("signs of life", () => {
    const silent = host("a", { lastSeenAtMs: wallMs - leaseLimits.hostSilentMs - 1 });

    it("a host that was silent while others were heard is no candidate until it is heard", () => {
      const state = knowing(silent, host("b"));
      expect(hostIds(ranking(state))).to.deep.equal(["b"]);
      const heard = following(state, [{ kind: "heard", hostId: "a" }]).next;
      expect(hostIds(ranking(heard, request(), 2))).to.have.members(["a", "b"]);
    });

    it("hosts that nobody listened to were not silent: after a while without controllers they are candidates", () => {
      expect(hostIds(ranking(knowing(silent)))).to.deep.equal(["a"]);
    });

    it("a host that another controller hears lives: its mark in the store moves", () => {
      const read = 1_000_000;
      const stale = decide(scheduler, knowing(host("a")), refresh([host("a")], read), read).next;
      expect(hostIds(ranking(stale, request(), read))).to.deep.equal([]);
      const moved = decide(
        scheduler,
        stale,
        refresh([host("a", { lastSeenAtMs: wallMs + 1 })], read),
        read,
      ).next;
      expect(hostIds(ranking(moved, request(), read))).to.deep.equal(["a"]);
    });

    it("a wall clock that jumps changes nothing for a host that is known", () => {
      const jumped: SchedulerMessage = {
        kind: "refresh",
        hosts: [host("a")],
        readAtMs: 1,
        wallMs: wallMs * 9,
      };
      expect(hostIds(ranking(decide(scheduler, knowing(host("a")), jumped, 2).next))).to.deep.equal(["a"]);
    });

    it("unknown hosts are ignored", () => {
      const state = knowing(host("a"));
      expect(following(state, [{ kind: "heard", hostId: "zz" }]).next).to.deep.equal(state);
    });
  });
});
