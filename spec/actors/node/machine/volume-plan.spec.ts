/** A machine whose volumes come and go, by value; and what the next life believes after a crash. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import { fileOf, parseFile, revive } from "../../../../actors/node/machine/file.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import type { MachineState } from "../../../../actors/node/machine/state.ts";
import type { HeldVolume } from "../../../../actors/node/machine/volume-facts.ts";
import { volumePlan, waitedMs, withMade } from "../../../../actors/node/machine/volume-plan.ts";
import { agentNeeds } from "../../../../protocol/agent-needs.ts";
import type { MachineIntent, MachineVolume } from "../../../../protocol/machine.ts";
import {
  at,
  booted,
  done,
  ensure,
  ensured,
  failed,
  fire,
  following,
  known,
  machineAfter,
  prepared,
  settle,
  spec,
} from "./worlds.ts";

const volumeOf = (volumeId: string, changes: Partial<MachineVolume> = {}): MachineVolume => ({
  ...{ volumeId, epoch: 1, place: 0, sizeBytes: 8, storageId: null, made: true, source: null },
  ...changes,
});
const held = (volumeId: string, changes: Partial<HeldVolume> = {}): HeldVolume => ({
  ...{ volumeId, epoch: 1, place: 0, state: "attached", sizeBytes: 8 },
  ...changes,
});
const ids = (volumes: readonly { readonly volumeId: string }[]) => volumes.map(({ volumeId }) => volumeId);
const plan = (wanted: readonly MachineVolume[], has: readonly HeldVolume[]) => {
  const { leaving, coming, growing } = volumePlan(wanted, has);
  return [ids(leaving), ids(coming), ids(growing)];
};

describe("machine: what is to be done for its volumes", () => {
  it("is nothing when its process has what is wanted", () => {
    expect(plan([], [])).to.deep.equal([[], [], []]);
    expect(plan([volumeOf("v")], [held("v")])).to.deep.equal([[], [], []]);
  });

  it("takes away what is of another epoch, in another place, dead, or not wanted", () => {
    for (const one of [held("v", { epoch: 2 }), held("v", { place: 3 }), held("v", { state: "dead" })])
      expect(plan([volumeOf("v")], [one])).to.deep.equal([["v"], ["v"], []]);
    expect(plan([], [held("v", { state: "open" })])).to.deep.equal([["v"], [], []]);
  });

  it("never makes anew what the guest has had", () => {
    const told = { ...spec(), volumes: [volumeOf("v", { made: false }), volumeOf("w", { made: false })] };
    expect(withMade(told, [held("w", { epoch: 2 }), held("v", { state: "open" })])).to.equal(told);
    const { volumes = [] } = withMade(told, [held("v")]);
    expect(volumes.map(({ made }) => made)).to.deep.equal([true, false]);
  });

  it("completes what is half attached, and does not take it away first", () => {
    expect(plan([volumeOf("v")], [held("v", { state: "open" })])).to.deep.equal([[], ["v"], []]);
  });

  it("tells a guest of a size that is larger, or of which nobody knows that the guest was told", () => {
    const { sizeBytes: _, ...untold } = held("v");
    expect(plan([volumeOf("v")], [untold])).to.deep.equal([[], [], ["v"]]);
    expect(plan([volumeOf("v", { sizeBytes: 9 })], [held("v")])).to.deep.equal([[], [], ["v"]]);
    expect(plan([volumeOf("v", { sizeBytes: 7 })], [held("v")])).to.deep.equal([[], [], []]);
  });
});

const wish = (changes: Partial<MachineIntent>, ...volumes: readonly MachineVolume[]): MachineEvent => {
  const request = { ...ensure(changes), spec: spec({ volumes: [...volumes] }) };
  return { kind: "ensure", request, at: at() };
};
const step = (state: MachineState) => known(state).work?.kind ?? "none";
const said = (state: MachineState) => known(state).observation.volumes?.map(({ volumeId }) => volumeId);
const has = (state: MachineState, all: readonly HeldVolume[], coming: readonly string[] = []) =>
  following(state, {
    ...{ kind: "volumes", workId: known(state).work?.id ?? 0, has: all, at: at() },
    coming: coming.map((volumeId) => ({ volumeId, epoch: 1 })),
  });
const [v1, v2] = [volumeOf("v1"), volumeOf("v2", { place: 1 })];
const [h1, h2] = [held("v1"), held("v2", { place: 1 })];
const running = () => settle(has(prepared(machineAfter(wish({}, v1))), [h1]), booted);
const hard = { power: "stopped", stop: { mode: "hard", timeoutMs: 0 } } as const;

describe("machine: volumes", () => {
  it("are known when its guest has started, and are said", () => {
    expect(said(machineAfter(wish({}, v1)))).to.equal(undefined);
    expect([step(running()), said(running())]).to.deep.equal(["none", ["v1"]]);
  });

  it("of which it is told nothing are none of its business", () => {
    const up = settle(prepared(machineAfter(ensured())), booted);
    expect([step(up), said(up)]).to.deep.equal(["none", undefined]);
  });

  it("that could not be looked at after its start are looked at by the next work", () => {
    const up = settle(prepared(machineAfter(wish({}, v1))), booted);
    expect([step(up), said(up), known(up).work?.ports]).to.deep.equal(["wire", undefined, undefined]);
    expect(said(settle(has(up, [h1]), done))).to.deep.equal(["v1"]);
  });

  it("come and go while its guest runs, and until it is known what is there it does not say", () => {
    const wiring = following(running(), wish({ generation: 2 }, v2));
    expect([step(wiring), said(wiring)]).to.deep.equal(["wire", undefined]);
    const gone = has(wiring, []);
    expect(said(gone), "what goes does not wait for what comes").to.deep.equal([]);
    const coming = has(gone, [], ["v2"]);
    expect(said(coming)).to.deep.equal([]);
    const there = settle(has(coming, [h2]), done);
    expect([step(there), said(there)]).to.deep.equal(["none", ["v2"]]);
    expect(there.observation.intentGeneration).to.equal(2);
  });

  it("that are still on their way when they are to go are not said to be gone", () => {
    const coming = has(following(running(), wish({ generation: 2 }, v1, v2)), [h1], ["v2"]);
    const decision = decide(coming, wish({ generation: 3 }, v1));
    expect(decision.effects.map(({ kind }) => kind)).to.include("abortWork");
    expect(said(decision.next)).to.equal(undefined);
    const again = settle(decision.next, { kind: "aborted" });
    expect([step(again), said(again)]).to.deep.equal(["wire", undefined]);
    expect(said(settle(has(again, [h1]), done))).to.deep.equal(["v1"]);
  });

  it("that a guest is asked for are taken from it at once when it is not to be asked any more", () => {
    const forced = (generation: number, ...names: readonly string[]): MachineEvent => {
      const asked = ensure({ generation });
      const forcedVolumes = names.map((volumeId) => ({ volumeId, epoch: 1 }));
      return {
        kind: "ensure",
        request: { ...asked, spec: { ...asked.spec, volumes: [], forcedVolumes } },
        at: at(),
      };
    };
    const asking = has(following(running(), wish({ generation: 2 })), [h1]);
    const decision = decide(asking, forced(3, "v1"));
    expect(decision.effects.map(({ kind }) => kind)).to.include("abortWork");
    const hurried = settle(decision.next, { kind: "aborted" });
    expect([step(hurried), known(hurried).work?.forced]).to.deep.equal([
      ...["wire", [{ volumeId: "v1", epoch: 1 }]],
    ]);
    const again = decide(hurried, forced(4, "v1"));
    expect(
      again.effects.map(({ kind }) => kind),
      "it is not asked already",
    ).not.to.include("abortWork");
    expect(known(following(hurried, wish({ generation: 5 }))).spec).not.to.have.property("forcedVolumes");
  });

  it("that could not come are trouble, and tried again; what went meanwhile is said to be gone", () => {
    const refused = settle(has(following(running(), wish({ generation: 2 }, v2)), []), failed("diskFull"));
    expect([step(refused), said(refused), refused.observation.reason]).to.deep.equal([
      ...["none", [], "diskFull"],
    ]);
    expect(known(refused).wait?.kind).to.equal("retry");
  });

  it("whose storage is silent before a start keep the guest waiting, and not down", () => {
    const silent = settle(machineAfter(wish({}, v1)), {
      ...{ kind: "failed", reason: "storageUnknown", message: "Silent." },
    });
    expect([silent.observation.state, silent.observation.reason]).to.deep.equal([
      ...["preparing", "hypervisorRefused"],
    ]);
    expect([known(silent).rest, known(silent).wait?.kind]).to.deep.equal([undefined, "retry"]);
  });

  it("are asked for from the first look on, in all lives of the agent", () => {
    const asking = has(following(running(), wish({ generation: 2 })), [h1]);
    const file = parseFile(
      "i1",
      decide(asking, { kind: "lease", at: at() }).save ?? fileOf(asking),
      agentNeeds,
    );
    if (file === undefined) throw new Error("It was written.");
    expect(file.needs).to.deep.equal(["volumes"]);
    const notes = file.volumes ?? [];
    expect(notes).to.deep.equal([{ volumeId: "v1", epoch: 1, toldBytes: 8, askedAtMs: at().wallMs }]);
    expect(waitedMs(notes, h1, at().wallMs + 7_000)).to.equal(7_000);
    expect(waitedMs(notes, h1, at().wallMs - 7_000), "a clock that was set back").to.equal(0);
    expect(waitedMs(notes, h2, at().wallMs)).to.equal(0);
    const later = has(asking, [h1]);
    expect(known(later).notes, "no second write").to.equal(known(asking).notes);
    expect(known(has(asking, [])).notes).to.deep.equal([]);
  });

  it("are not believed by the next life, which looks, and knows the sizes that were told", () => {
    const found = { ownerEpoch: 1, status: "running", startedAtMs: 5 } as const;
    const revived = decide(revive(fileOf(running()), found), { kind: "begin", at: at() }).next;
    expect([step(revived), said(revived)]).to.deep.equal(["wire", undefined]);
    expect(known(revived).notes).to.deep.equal([{ volumeId: "v1", epoch: 1, toldBytes: 8 }]);
  });

  it("of a guest that is down are closed; what a storage has noted of those that go is released", () => {
    const stopped = settle(following(running(), wish({ generation: 2, ...hard }, v1)), done);
    expect([step(stopped), said(stopped)]).to.deep.equal(["none", []]);
    expect(step(following(stopped, wish({ generation: 3, ...hard }, v1, v2)))).to.equal("none");
    const less = following(stopped, wish({ generation: 3, ...hard }));
    expect([step(less), said(less)]).to.deep.equal(["wire", []]);
    expect(step(settle(has(less, []), done))).to.equal("none");
  });

  it("that a guest has not given back are said to be dead, and nobody waits for these", () => {
    const wiring = following(running(), wish({ generation: 2 }));
    const dead = settle(has(wiring, [held("v1", { state: "dead" })]), done);
    expect([step(dead), known(dead).observation.volumes?.[0]?.state]).to.deep.equal(["none", "dead"]);
  });

  it("of a paused guest are taken away; an unpause does not wait for one that cannot come", () => {
    const paused = settle(following(running(), wish({ generation: 2, power: "paused" }, v1)), done);
    expect(step(following(paused, wish({ generation: 3, power: "paused" })))).to.equal("wire");
    expect(step(following(paused, wish({ generation: 3 }, v1, v2)))).to.equal("resume");
  });

  it("that a guest gives back by itself are looked at anew after a while, and no others", () => {
    const ejected = (state: MachineState, place?: number) =>
      following(state, { kind: "guest", event: "ejected", place, at: at() });
    expect(ejected(running(), 7)).to.deep.equal(running());
    for (const place of [0, undefined]) {
      const out = ejected(running(), place);
      expect([step(out), out.wait?.kind, said(out)]).to.deep.equal(["none", "retry", ["v1"]]);
      const back = settle(has(fire(out), [h1]), done);
      expect([step(fire(out)), step(back), said(back)]).to.deep.equal(["wire", "none", ["v1"]]);
    }
    const wiring = ejected(following(running(), wish({ generation: 2 }, v1, v2)), 0);
    const wired = settle(has(wiring, [h1, h2]), done);
    expect([step(wiring), step(wired), wired.wait?.kind]).to.deep.equal(["wire", "none", "retry"]);
    expect(step(fire(wired)), "what it has found may be older than that").to.equal("wire");
    const down = ejected(following(running(), wish({ generation: 2, ...hard }, v1)), 0);
    expect(step(settle(down, done)), "a halt ends all of it").to.equal("none");
  });

  it("that are full pause the guest, which is let go on again and again, and says why it stands", () => {
    const full = following(running(), { kind: "guest", event: "paused", pausedBy: "diskFull", at: at() });
    expect([full.observation.state, full.observation.reason]).to.deep.equal(["paused", "diskFull"]);
    const resuming = following(full, { kind: "timer", timerId: known(full).wait?.id ?? 0, at: at() });
    expect([step(resuming), known(resuming).work?.isFull]).to.deep.equal(["resume", true]);
    const still = settle(resuming, failed("diskFull"));
    expect([known(still).wait?.kind, still.observation.reason]).to.deep.equal(["retry", "diskFull"]);
    const less = following(still, wish({ generation: 2 }));
    expect(step(less), "the full volume may be what goes").to.equal("wire");
    const freed = settle(has(less, []), done);
    expect(step(freed)).to.equal("resume");
    const going = settle(freed, done);
    expect([going.observation.state, going.observation.reason]).to.deep.equal(["running", "requested"]);
    const found = { ownerEpoch: 1, status: "paused", startedAtMs: 5, pausedBy: "diskFull" } as const;
    expect(revive(fileOf(full), found).isFull).to.equal(true);
  });
});
