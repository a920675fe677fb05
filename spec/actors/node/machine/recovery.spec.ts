/** What a machine does when its guest went down unasked, by the instance's recovery policy. */
import { expect } from "chai";
import { fileOf, revive } from "../../../../actors/node/machine/file.ts";
import type { Lease } from "../../../../actors/node/machine/lease.ts";
import type { MachineEvent, Outcome } from "../../../../actors/node/machine/messages.ts";
import type { Machine } from "../../../../actors/node/machine/state.ts";
import type { RecoveryPolicy } from "../../../../protocol/states.ts";
import {
  at,
  blank,
  booted,
  done,
  ensure,
  ensured,
  failed,
  fire,
  following,
  guest,
  prepared,
  settle,
  unanswered,
} from "./worlds.ts";

const begin: MachineEvent = { kind: "begin", at: at() };
const held: Lease = { kind: "held", leaseEpoch: 1 };

/** A running guest with this recovery policy; with a host lease, under the first lease epoch of its host. */
function running(recovery: RecoveryPolicy, leased = false): Machine {
  const plain = ensure();
  const spec = { ...plain.spec, recovery, ...(leased ? { fence: true } : {}) };
  const request = { ...plain, spec, ...(leased ? { leaseEpoch: 1 } : {}) };
  const moment = at(1_000, leased ? held : undefined);
  const begun = following(blank, { kind: "ensure", request, at: moment });
  const { work } = begun;
  const settled = { kind: "settled", workId: work?.id ?? -1, outcome: booted, at: moment } as const;
  return following(prepared(begun), settled);
}

const seen = ({ observation: { state, reason } }: Machine) => `${state}/${reason}`;
const crashed = (policy: RecoveryPolicy) => settle(following(running(policy), guest("lost")), done);
const returned = (machine: Machine) => following(revive(fileOf(machine), undefined), begin);

describe("machine: a lease that lapses while the guest was asked to begin anew", () => {
  it("presses the button again when it is held, though it could not be paused meanwhile", () => {
    const under = (kind: Lease["kind"]) => at(2_000, { kind, leaseEpoch: 1 });
    const plain = running("restart", true);
    const request = { ...ensure({ generation: 2, resetCount: 1 }), spec: plain.spec, leaseEpoch: 1 };
    const asked = following(plain, { kind: "ensure", request, at: under("held") });
    expect(asked.work?.kind).to.equal("press");
    const settled = (machine: Machine, outcome: Outcome, kind: Lease["kind"]) =>
      following(machine, { kind: "settled", workId: machine.work?.id ?? -1, outcome, at: under(kind) });
    const lapsed = following(settled(asked, done, "held"), { kind: "lease", at: under("lapsed") });
    expect(lapsed.work?.kind).to.equal("pause");
    const refused = settled(lapsed, failed("hypervisorRefused"), "lapsed");
    expect(refused.wait?.kind).to.equal("retry");
    const held = following(refused, { kind: "timer", timerId: refused.wait?.id ?? -1, at: under("held") });
    expect(held.work?.kind).to.equal("press");
  });
});

describe("machine: recovery policies", () => {
  it("restart: a guest whose process died is started again, and so it is when its host returns", () => {
    expect(fire(crashed("restart")).work?.kind).to.equal("boot");
    expect(fire(returned(running("restart"))).work?.kind).to.equal("boot");
  });

  it("wait: a guest whose process died stays down, until its host returns", () => {
    const down = crashed("wait");
    expect([seen(down), down.wait, down.work]).to.deep.equal(["failed/processLost", undefined, undefined]);
    expect(down.observation.message).to.contain("its recovery policy is wait");
    expect(fire(returned(down)).work?.kind).to.equal("boot");
    expect(fire(returned(running("wait"))).work?.kind).to.equal("boot");
  });

  it("leave: it stays down after a crash and after its host's return, until a start asks for it", () => {
    for (const down of [crashed("leave"), returned(crashed("leave")), returned(running("leave"))]) {
      expect([seen(down), down.work]).to.deep.equal(["failed/processLost", undefined]);
      expect(following(down, ensured({ generation: 2, startCount: 2 })).work?.kind).to.equal("boot");
    }
  });

  it("leave: a guest that went down with its host's shutdown stays down, and says so", () => {
    const stopping: MachineEvent = { kind: "hostStopping", graceMs: 1_000, at: at() };
    const down = settle(
      following(settle(following(running("leave"), stopping), done), guest("shutdown")),
      done,
    );
    expect(seen(down)).to.equal("stopped/hostShutdown");
    expect(seen(returned(down))).to.equal("failed/hostShutdown");
  });

  it("a living guest is adopted whatever the policy", () => {
    const living = { ownerEpoch: 1, status: "running" as const, startedAtMs: 5 };
    for (const policy of ["restart", "wait", "leave"] as const)
      expect(seen(following(revive(fileOf(running(policy)), living), begin))).to.equal("running/requested");
  });

  it("a fence of its host halts every guest; with the next lease all come up but those to be left", () => {
    const fenced = at(2_000, { kind: "fenced", leaseEpoch: 1 });
    const again = at(3_000, { kind: "held", leaseEpoch: 2 });
    for (const policy of ["wait", "leave"] as const) {
      const halting = following(running(policy, true), { kind: "lease", at: fenced });
      expect(halting.work?.kind).to.equal("halt");
      const settled = { kind: "settled", workId: halting.work?.id ?? -1, outcome: done, at: fenced } as const;
      const down = following(halting, settled);
      const request = { ...ensure(), spec: down.spec, leaseEpoch: 2 };
      const after = following(down, { kind: "ensure", request, at: again });
      expect([policy, after.work?.kind]).to.deep.equal([policy, policy === "wait" ? "boot" : undefined]);
    }
  });
});

describe("machine: a guest that goes on elsewhere", () => {
  const away = (more: object = {}) =>
    ensured({
      generation: 2,
      power: "deleted",
      keepDisk: true,
      stop: { mode: "graceful", timeoutMs: 1_500 },
      ...more,
    });

  it("is asked to shut down, and released when it has", () => {
    const pressed = settle(following(running("restart"), away()), done);
    expect(pressed.wait).to.include({ kind: "button", ms: 1_500 });
    const down = following(pressed, guest("shutdown"));
    expect(down.work?.kind).to.equal("halt");
    const releasing = settle(down, done);
    expect(releasing.work?.kind).to.equal("release");
    expect(seen(settle(releasing, done))).to.equal("gone/requested");
  });

  it("is halted when it does not answer in time, and at once when it is deleted meanwhile", () => {
    const pressed = settle(following(running("restart"), away()), done);
    expect(unanswered(pressed).work?.kind).to.equal("halt");
    expect(following(pressed, ensured({ generation: 3, power: "deleted" })).work?.kind).to.equal("halt");
  });

  it("is halted at once when its host's lease is over", () => {
    const leased = running("restart", true);
    const lapsed = at(2_000, { kind: "fenced", leaseEpoch: 1 });
    const request = { ...ensure({ generation: 2, power: "deleted", keepDisk: true }), spec: leased.spec };
    expect(following(leased, { kind: "ensure", request, at: lapsed }).work?.kind).to.equal("halt");
  });
});
