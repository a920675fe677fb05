/** A machine whose interfaces come and go, by value; and what the next life believes after a crash. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import { fileOf, parseFile, revive } from "../../../../actors/node/machine/file.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import type { MachineState } from "../../../../actors/node/machine/state.ts";
import { agentNeeds } from "../../../../protocol/agent-needs.ts";
import type { MachineIntent } from "../../../../protocol/machine.ts";
import {
  at,
  booted,
  done,
  ensure,
  ensured,
  failed,
  following,
  known,
  machineAfter,
  prepared,
  settle,
  spec,
} from "./worlds.ts";

const interfacesOf = (portIds: readonly string[]) =>
  portIds.map((portId, index) => ({
    ...{ portId, networkId: "n", mac: `52:54:00:00:00:0${index}`, mtuBytes: 1_400, place: index },
  }));
const wish = (changes: Partial<MachineIntent>, ...portIds: readonly string[]): MachineEvent => {
  const request = { ...ensure(changes), spec: spec({ interfaces: interfacesOf(portIds) }) };
  return { kind: "ensure", request, at: at() };
};
const step = (state: MachineState) => known(state).work?.kind ?? "none";
const said = (state: MachineState) => known(state).observation.ports;
const unplugged = (state: MachineState) =>
  following(state, { kind: "unplugged", workId: known(state).work?.id ?? 0, at: at() });
const running = () => settle(prepared(machineAfter(wish({}, "p1"))), booted);
const hard = { power: "stopped", stop: { mode: "hard", timeoutMs: 0 } } as const;

describe("machine: interfaces", () => {
  it("are known when its guest has started, and are said", () => {
    expect(said(machineAfter(wish({}, "p1")))).to.equal(undefined);
    expect([step(running()), said(running())]).to.deep.equal(["none", ["p1"]]);
  });

  it("that are told of none are none of its business", () => {
    const up = settle(prepared(machineAfter(ensured())), booted);
    expect([step(up), said(up)]).to.deep.equal(["none", undefined]);
  });

  it("come and go while its guest runs, and until that is done it does not say what it has", () => {
    for (const ports of [["p1", "p2"], [], ["p2"]]) {
      const wiring = following(running(), wish({ generation: 2 }, ...ports));
      expect([step(wiring), said(wiring)]).to.deep.equal(["wire", undefined]);
      const wired = settle(wiring, done);
      expect([step(wired), said(wired)]).to.deep.equal(["none", ports]);
      expect(wired.observation.intentGeneration).to.equal(2);
    }
  });

  it("are wired again for a wish that has come meanwhile", () => {
    const wiring = following(running(), wish({ generation: 2 }, "p1", "p2"));
    const newer = following(wiring, wish({ generation: 3 }, "p1"));
    const again = settle(newer, done);
    expect([step(again), said(again)]).to.deep.equal(["wire", undefined]);
    expect(said(settle(again, done))).to.deep.equal(["p1"]);
  });

  it("that could not be wired are said as trouble, tried again, and forgotten with a newer wish", () => {
    const wiring = following(running(), wish({ generation: 2 }, "p1", "p2"));
    const refused = settle(wiring, failed("hypervisorRefused"));
    expect([step(refused), refused.observation.state, refused.observation.reason]).to.deep.equal([
      ...["none", "running", "hypervisorRefused"],
    ]);
    expect(known(refused).wait?.kind).to.equal("retry");
    const back = following(refused, wish({ generation: 3 }, "p1"));
    expect(step(back)).to.equal("wire");
    expect(settle(back, done).observation.reason).to.equal("requested");
  });

  it("that go are said to be gone while others that come are not there yet, or cannot be", () => {
    const wiring = following(running(), wish({ generation: 2 }, "p1", "p2", "p3"));
    const during = unplugged(wiring);
    expect([step(during), said(during)]).to.deep.equal(["wire", ["p1"]]);
    const less = settle(during, failed("hypervisorRefused"));
    expect(said(less)).to.deep.equal(["p1"]);
    // A port that could not be plugged in may exist all the same: nothing is said before its end.
    const without = following(less, wish({ generation: 3 }, "p3"));
    expect([step(without), said(without)]).to.deep.equal(["wire", undefined]);
    const gone = unplugged(without);
    expect(said(gone)).to.deep.equal([]);
    expect(said(settle(gone, done))).to.deep.equal(["p3"]);
  });

  it("that may be there are let go of with the guest, and are not known to the next life", () => {
    const half = unplugged(following(running(), wish({ generation: 2 }, "p1", "p2")));
    expect(fileOf(known(half)).wired).to.equal(undefined);
    const refused = settle(half, failed("hypervisorRefused"));
    const down = settle(following(refused, wish({ generation: 3, ...hard }, "p1")), done);
    expect([step(down), said(down)]).to.deep.equal(["wire", undefined]);
    expect(said(settle(down, done))).to.deep.equal(["p1"]);
  });

  it("that a boot does not plug in are not said to be there, and those that are to go are gone", () => {
    const stopped = settle(following(running(), wish({ generation: 2, ...hard }, "p1")), done);
    const booting = unplugged(following(stopped, wish({ generation: 3 }, "p2")));
    expect([step(booting), said(booting)]).to.deep.equal(["boot", []]);
    expect(said(settle(prepared(booting), booted))).to.deep.equal(["p2"]);
  });

  it("of a guest that is down need nothing when they come, and are let go of when they go", () => {
    const stopped = settle(following(running(), wish({ generation: 2, ...hard }, "p1")), done);
    expect([step(stopped), said(stopped)]).to.deep.equal(["none", ["p1"]]);
    const more = following(stopped, wish({ generation: 3, ...hard }, "p1", "p2"));
    expect([step(more), said(more)]).to.deep.equal(["none", ["p1"]]);
    const less = following(more, wish({ generation: 4, ...hard }));
    expect([step(less), said(less)]).to.deep.equal(["wire", undefined]);
    expect(said(settle(less, done))).to.deep.equal([]);
  });

  it("of a paused guest wait until it goes on", () => {
    const paused = settle(following(running(), wish({ generation: 2, power: "paused" }, "p1")), done);
    const less = following(paused, wish({ generation: 3, power: "paused" }));
    expect([step(less), said(less)]).to.deep.equal(["none", ["p1"]]);
    const resumed = settle(following(less, wish({ generation: 4 })), done);
    expect(step(resumed)).to.equal("wire");
  });

  it("that are to go end a wiring, or a boot's first part, that waits for another one; those that come do not", () => {
    const aborts = (state: MachineState, ...ports: readonly string[]) =>
      decide(state, wish({ generation: 4 }, ...ports)).effects.some(({ kind }) => kind === "abortWork");
    const wiring = unplugged(following(running(), wish({ generation: 2 }, "p1", "p2")));
    expect([aborts(wiring, "p2"), aborts(wiring, "p1", "p2", "p3")]).to.deep.equal([true, false]);
    const booting = machineAfter(wish({}, "p1", "p2"));
    expect([aborts(booting, "p2"), aborts(booting, "p1", "p2", "p3")]).to.deep.equal([true, false]);
    expect(aborts(prepared(booting), "p2")).to.equal(false);
  });

  it("give way to a stop, which does not wait for the guest", () => {
    const wiring = following(running(), wish({ generation: 2 }));
    const stopping = decide(wiring, wish({ generation: 3, ...hard }));
    expect(stopping.effects.map(({ kind }) => kind)).to.include("abortWork");
  });

  it("are not believed by the next life when a wiring was half done, and by no other need to look", () => {
    const wiring = decide(running(), wish({ generation: 2 }, "p1", "p2"));
    const half = parseFile("i1", wiring.save, agentNeeds);
    if (half === undefined) throw new Error("It was written.");
    expect([half.wired, half.needs]).to.deep.equal([undefined, ["interfaces", "places"]]);
    const found = { ownerEpoch: 1, status: "running", startedAtMs: 5 } as const;
    const revived = decide(revive(half, found), { kind: "begin", at: at() }).next;
    expect([step(revived), said(revived)]).to.deep.equal(["wire", undefined]);
    const whole = revive(fileOf(known(running())), found);
    expect(step(decide(whole, { kind: "begin", at: at() }).next)).to.equal("none");
  });
});
