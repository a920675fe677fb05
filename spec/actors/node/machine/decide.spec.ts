/** What a machine does, by value: nothing is mocked, nothing runs. */
import { expect } from "chai";
import { type Decision, decide } from "../../../../actors/node/machine/decide.ts";
import { fileOf, parseFile, revive } from "../../../../actors/node/machine/file.ts";
import { machineLimits } from "../../../../actors/node/machine/limits.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import type { MachineState } from "../../../../actors/node/machine/state.ts";
import { agentNeeds } from "../../../../protocol/agent-needs.ts";
import {
  aborted,
  at,
  blank,
  booted,
  done,
  ensured,
  failed,
  fire,
  following,
  guest,
  intent,
  known,
  machineAfter,
  prepared,
  settle,
  situations,
  spec,
  unanswered,
} from "./worlds.ts";

const seen = (state: MachineState) => {
  const { state: what, reason } = known(state).observation;
  return `${what}/${reason}`;
};
const step = (state: MachineState) => known(state).work?.kind ?? "none";
const running = () => settle(prepared(machineAfter(ensured())), booted);
const started = (decision: Decision) =>
  decision.effects.flatMap((effect) => (effect.kind === "startWork" ? [effect.work.kind] : []));
const denialOf = (decision: Decision) =>
  decision.answer?.kind === "denied" ? decision.answer.denial.reason : undefined;

describe("machine: boot", () => {
  it("prepares, starts and runs, and says each with a higher generation", () => {
    const first = decide(blank, ensured());
    expect(started(first)).to.deep.equal(["boot"]);
    expect(seen(first.next)).to.equal("preparing/requested");
    expect(seen(prepared(first.next))).to.equal("starting/requested");
    const up = settle(prepared(first.next), booted);
    expect(seen(up)).to.equal("running/requested");
    expect(up.observation).to.include({ generation: 3, intentGeneration: 1, startedAtMs: 5 });
  });

  it("writes the intent down before it acts, and not again until the intent changes", () => {
    const first = decide(blank, ensured());
    expect(first.save).to.deep.include({ version: 1, spec: spec(), intent: intent() });
    expect(parseFile("i1", first.save, agentNeeds)).to.deep.equal(first.save);
    const { work } = known(first.next);
    const second = decide(first.next, { kind: "settled", workId: work?.id ?? 0, outcome: booted, at: at() });
    expect(second.save).to.equal(undefined);
  });

  it("counts its generations on from what controllers have seen", () => {
    expect(machineAfter(ensured({}, { observedGeneration: 41 })).observation.generation).to.equal(42);
    const told = following(running(), ensured({}, { observedGeneration: 99 }));
    expect(told.observation.generation).to.equal(100);
  });

  for (const reason of ["diskFull", "hypervisorRefused", "internal"] as const) {
    it(`fails with a reason and without a process when starting ends in ${reason}`, () => {
      const refused = settle(prepared(machineAfter(ensured())), failed(reason));
      expect(step(refused)).to.equal("halt");
      const down = settle(refused, done);
      expect(seen(down)).to.equal(`failed/${reason === "internal" ? "guestFailed" : reason}`);
      expect(step(down)).to.equal("none");
    });
  }

  it("halts nothing when already the disks could not be made", () => {
    const refused = settle(machineAfter(ensured()), failed("diskFull"));
    expect([step(refused), seen(refused)]).to.deep.equal(["none", "failed/diskFull"]);
  });

  it("tries again when a newer intent comes after a failure", () => {
    const refused = settle(machineAfter(ensured()), failed("diskFull"));
    expect(step(following(refused, ensured({ generation: 2 })))).to.equal("boot");
  });
});

describe("machine: the newest intent", () => {
  it("answers the same intent with what is there, and changes nothing", () => {
    const up = running();
    const again = decide(up, ensured());
    expect(again).to.deep.include({ next: up, save: undefined, effects: [] });
    expect(again.answer).to.deep.equal({ kind: "observation", observation: up.observation });
  });

  it("refuses an older generation and an older epoch", () => {
    const up = settle(machineAfter(ensured({ generation: 7 }, { ownerEpoch: 3 })), {
      kind: "done",
      guest: { ownerEpoch: 3, status: "running", startedAtMs: 5 },
    });
    expect(denialOf(decide(up, ensured({ generation: 6 }, { ownerEpoch: 3 })))).to.equal("staleGeneration");
    expect(denialOf(decide(up, ensured({ generation: 9 }, { ownerEpoch: 2 })))).to.equal("staleEpoch");
  });

  it("hears stop while starting: the boot is aborted, settles, and what it left is halted", () => {
    const starting = prepared(machineAfter(ensured()));
    const decision = decide(starting, ensured({ generation: 2, power: "stopped" }));
    expect(decision.effects.map(({ kind }) => kind))
      .to.include("abortWork")
      .and.not.include("startWork");
    expect(seen(decision.next)).to.equal("stopping/requested");
    const late = settle(decision.next, booted);
    expect([step(late), seen(late)]).to.deep.equal(["press", "stopping/requested"]);
    const hard = following(starting, ensured({ generation: 2, power: "deleted" }));
    expect(step(settle(hard, booted))).to.equal("halt");
    expect(step(settle(hard, aborted))).to.equal("halt");
  });

  it("ignores the result of work that is not under way", () => {
    const up = running();
    expect(decide(up, { kind: "settled", workId: 999, outcome: aborted, at: at() }).next).to.equal(up);
    expect(decide(up, { kind: "timer", timerId: 999, at: at() }).next).to.equal(up);
  });

  it("clears an older epoch away before it begins the newer one", () => {
    let machine = following(running(), ensured({ generation: 4 }, { ownerEpoch: 2, observedGeneration: 8 }));
    expect([step(machine), machine.intent.power]).to.deep.equal(["halt", "deleted"]);
    machine = settle(machine, done);
    expect(step(machine)).to.equal("release");
    const decision = decide(machine, {
      kind: "settled",
      workId: machine.work?.id ?? 0,
      outcome: done,
      at: at(),
    });
    const published = decision.effects.flatMap((effect) =>
      effect.kind === "publish" ? [`${effect.observation.ownerEpoch} ${effect.observation.state}`] : [],
    );
    expect(published).to.deep.equal(["1 gone", "2 preparing"]);
    expect(started(decision)).to.deep.equal(["boot"]);
    expect(decision.save?.spec.ownerEpoch).to.equal(2);
    expect(known(decision.next).observation.generation).to.equal(9);
  });

  it("says of an epoch that was cleared away that it is gone", () => {
    const newer = machineAfter(ensured({}, { ownerEpoch: 2 }));
    const decision = decide(
      newer,
      ensured({ generation: 9, power: "deleted" }, { ownerEpoch: 1, observedGeneration: 4 }),
    );
    expect(decision.answer).to.deep.nested.include({
      "observation.state": "gone",
      "observation.ownerEpoch": 1,
      "observation.generation": 5,
    });
    expect(decision.next).to.equal(newer);
  });
});

describe("machine: stop and delete", () => {
  const stop = (mode: "graceful" | "hard") =>
    following(running(), ensured({ generation: 2, power: "stopped", stop: { mode, timeoutMs: 1_500 } }));

  it("presses the power button, waits for the guest, then halts its left-over process", () => {
    const pressed = settle(stop("graceful"), done);
    expect(pressed.wait).to.include({ kind: "button", ms: 1_500 });
    expect(seen(pressed)).to.equal("stopping/requested");
    const down = following(pressed, guest("shutdown"));
    expect([step(down), down.wait]).to.deep.equal(["halt", undefined]);
    expect(seen(settle(down, done))).to.equal("stopped/requested");
  });

  it("halts a guest that does not answer in time, or whose button cannot be pressed", () => {
    expect(step(unanswered(settle(stop("graceful"), done)))).to.equal("halt");
    expect(step(settle(stop("graceful"), failed("hypervisorRefused")))).to.equal("halt");
  });

  it("presses again and again, for a guest that boots hears nothing, and never beyond its time", () => {
    const timeoutMs = machineLimits.buttonAgainMs * 2 + 700;
    const stop = { mode: "graceful", timeoutMs } as const;
    let machine = following(running(), ensured({ generation: 2, power: "stopped", stop }));
    const waits: (number | undefined)[] = [];
    for (; step(machine) === "press"; machine = fire(machine)) {
      machine = settle(machine, done);
      waits.push(machine.wait?.ms);
    }
    expect(waits).to.deep.equal([machineLimits.buttonAgainMs, machineLimits.buttonAgainMs, 700]);
    expect(step(machine)).to.equal("halt");
  });

  it("halts at once when told to be hard, also in the middle of being graceful", () => {
    expect(step(stop("hard"))).to.equal("halt");
    const pressed = settle(stop("graceful"), done);
    const hard = ensured({ generation: 3, power: "stopped", stop: { mode: "hard", timeoutMs: 0 } });
    expect(step(following(pressed, hard))).to.equal("halt");
  });

  it("halts, releases, and is gone; then it can never be wanted back", () => {
    const deleting = following(running(), ensured({ generation: 2, power: "deleted" }));
    const gone = settle(settle(deleting, done), done);
    expect([seen(gone), gone.gone]).to.deep.equal(["gone/requested", true]);
    const back = following(gone, ensured({ generation: 3 }));
    expect([seen(back), step(back)]).to.deep.equal(["gone/requested", "none"]);
    expect(back.observation.intentGeneration).to.equal(3);
  });

  it("clears away whatever may be there of a machine it never knew", () => {
    const unknown = machineAfter(ensured({ generation: 5, power: "deleted" }, { observedGeneration: 12 }));
    const gone = settle(settle(unknown, done), done);
    expect(gone.observation).to.include({ state: "gone", intentGeneration: 5 });
    expect(gone.observation.generation).to.be.greaterThan(12);
  });

  it("tries a halt or a release again, ever later, until it is done", () => {
    let machine = stop("hard");
    const waits: number[] = [];
    for (let attempt = 0; attempt < 10; attempt++) {
      machine = settle(machine, failed("hypervisorRefused"));
      expect(seen(machine)).to.equal("stopping/hypervisorRefused");
      waits.push(machine.wait?.ms ?? 0);
      machine = fire(machine);
      expect(step(machine)).to.equal("halt");
    }
    expect(waits.slice(0, 3)).to.deep.equal([500, 1_000, 2_000]);
    expect(waits.at(-1)).to.equal(machineLimits.machineRetryMsMax);
    expect(seen(settle(machine, done))).to.equal("stopped/requested");
  });
});

describe("machine: reset", () => {
  const reset = (resetMode: "soft" | "hard", resetCount = 1) =>
    following(running(), ensured({ generation: 2, resetCount, resetMode }));

  it("resets once, however often it was asked for, and takes the count", () => {
    const resetting = reset("hard", 3);
    expect(step(resetting)).to.equal("reset");
    const finished = settle(resetting, done);
    expect([step(finished), finished.observation.resetCount]).to.deep.equal(["none", 3]);
  });

  it("writes down that the reset was done, so that a restarted agent does not repeat it", () => {
    const { work, ...machine } = reset("hard");
    const decision = decide(
      { ...machine, work },
      { kind: "settled", workId: work?.id ?? 0, outcome: done, at: at() },
    );
    expect(decision.save?.resetCount).to.equal(1);
  });

  it("softly: presses the button, waits for the shutdown, starts again", () => {
    const pressed = settle(reset("soft"), done);
    expect(pressed.wait).to.include({ kind: "button", ms: machineLimits.buttonAgainMs });
    const halted = settle(following(pressed, guest("shutdown")), done);
    expect(step(halted)).to.equal("boot");
    expect(settle(halted, booted).observation).to.include({ state: "running", resetCount: 1 });
  });

  it("falls back to a hard reset when the guest does not answer", () => {
    expect(step(unanswered(settle(reset("soft"), done)))).to.equal("reset");
  });

  it("lets a guest that was reset instead shut itself down later", () => {
    const again = settle(unanswered(settle(reset("soft"), done)), done);
    expect(seen(again)).to.equal("running/requested");
    const down = settle(following(again, guest("shutdown")), done);
    expect([seen(down), step(down)]).to.deep.equal(["stopped/guestShutdown", "none"]);
  });

  it("counts the start of a stopped guest as the reset", () => {
    const { stopped } = situations();
    const machine = following(stopped ?? blank, ensured({ generation: 9, resetCount: 4 }));
    expect(settle(machine, booted).observation).to.include({ state: "running", resetCount: 4 });
    expect(step(settle(machine, booted))).to.equal("none");
  });
});

describe("machine: what guests do", () => {
  it("leaves a guest that shut itself down stopped until its intent says otherwise", () => {
    const down = settle(following(running(), guest("shutdown")), done);
    expect([seen(down), step(down)]).to.deep.equal(["stopped/guestShutdown", "none"]);
    expect(step(following(down, ensured()))).to.equal("none");
    expect(step(following(down, ensured({ generation: 2 })))).to.equal("boot");
  });

  it("starts a guest again that shut down because of a stop which was taken back", () => {
    const pressed = settle(following(running(), ensured({ generation: 2, power: "stopped" })), done);
    const wanted = following(pressed, ensured({ generation: 3 }));
    expect(step(settle(following(wanted, guest("shutdown")), done))).to.equal("boot");
  });

  it("fails when the guest panics, with its process halted", () => {
    const panicked = following(running(), guest("panicked"));
    expect(step(panicked)).to.equal("halt");
    expect(seen(settle(panicked, done))).to.equal("failed/guestPanic");
  });

  it("restarts a guest whose process died, ever later, and gives up after too many times", () => {
    let machine = running();
    const waits: number[] = [];
    for (let loss = 1; loss <= machineLimits.guestRestartsMax; loss++) {
      machine = following(machine, guest("lost", loss * 1_000));
      expect(seen(machine)).to.equal("starting/processLost");
      waits.push(machine.wait?.ms ?? 0);
      machine = settle(fire(settle(machine, done)), booted);
      expect(seen(machine)).to.equal("running/requested");
    }
    expect(waits).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000]);
    machine = settle(following(machine, guest("lost", 7_000)), done);
    expect([seen(machine), step(machine)]).to.deep.equal(["failed/crashLoop", "none"]);
    const again = settle(following(machine, ensured({ generation: 2, startCount: 2 })), booted);
    expect(again.losses).to.deep.equal([]);
  });

  it("forgets losses that are older than the window", () => {
    let machine = running();
    for (let loss = 1; loss <= 20; loss++) {
      machine = following(machine, guest("lost", loss * machineLimits.guestRestartWindowMs));
      machine = settle(fire(settle(machine, done)), booted);
    }
    expect(seen(machine)).to.equal("running/requested");
  });

  it("does not take a guest for running that died before its start was known", () => {
    const early = following(prepared(machineAfter(ensured())), guest("lost"));
    const machine = settle(early, booted);
    expect([step(machine), seen(machine)]).to.deep.equal(["halt", "starting/processLost"]);
  });

  it("resumes a guest that paused itself, at a decent pace", () => {
    const machine = following(running(), guest("paused"));
    expect([step(machine), machine.wait?.kind]).to.deep.equal(["none", "retry"]);
    expect(step(fire(machine))).to.equal("resume");
  });

  it("does not take the life of a guest that refuses to pause", () => {
    const pausing = following(running(), ensured({ generation: 2, power: "paused" }));
    const refused = settle(pausing, failed("hypervisorRefused"));
    expect(seen(refused)).to.equal("running/hypervisorRefused");
    expect(seen(settle(fire(refused), done))).to.equal("paused/requested");
  });
});

describe("machine: the host", () => {
  const stopping: MachineEvent = { kind: "hostStopping", graceMs: 10_000, at: at() };

  it("takes its guests down with it, and keeps their intent for the next start", () => {
    const down = settle(following(settle(following(running(), stopping), done), guest("shutdown")), done);
    expect(seen(down)).to.equal("stopped/hostShutdown");
    expect(down.intent.power).to.equal("running");
  });

  const fileWith = (state: MachineState) => ({ ...fileOf(known(state)), shutdownAskedOf: null });
  const begin: MachineEvent = { kind: "begin", at: at() };

  it("boots them again at its next start, without counting a loss", () => {
    const file = fileWith(following(running(), stopping));
    const machine = following(revive(file, undefined), begin);
    expect([step(machine), machine.losses]).to.deep.equal(["boot", []]);
  });

  it("adopts a living guest untouched, with a higher generation", () => {
    const up = running();
    const living = { ownerEpoch: 1, status: "running" as const, startedAtMs: 5 };
    const machine = following(revive(fileWith(up), living), begin);
    expect([step(machine), seen(machine)]).to.deep.equal(["none", "running/requested"]);
    expect(machine.observation.generation).to.be.greaterThan(up.observation.generation);
  });

  it("finds that a guest's process is gone, and follows the policy for lost guests", () => {
    const revived = revive(fileWith(running()), undefined);
    const machine = following(revived, begin);
    expect(seen(machine)).to.equal("starting/processLost");
    expect(machine.wait?.kind).to.equal("restart");
    expect(step(fire(machine))).to.equal("boot");
  });

  it("goes on with a deletion that the agent's end interrupted", () => {
    const deleting = following(running(), ensured({ generation: 2, power: "deleted" }));
    expect(step(following(revive(fileWith(deleting), undefined), begin))).to.equal("halt");
  });

  it("leaves a guest down that had shut itself down, or that did so while nobody looked", () => {
    const down = settle(following(running(), guest("shutdown")), done);
    expect(seen(following(revive(fileWith(down), undefined), begin))).to.equal("stopped/guestShutdown");
    const over = { ownerEpoch: 1, status: "shutdown" as const, startedAtMs: 5 };
    const machine = following(revive(fileWith(running()), over), begin);
    expect([step(machine), seen(settle(machine, done))]).to.deep.equal(["halt", "stopped/guestShutdown"]);
  });

  it("takes over a living process whose file was lost, instead of starting a second", () => {
    const living = { ownerEpoch: 1, status: "running" as const, startedAtMs: 5 };
    const decision = decide(
      { kind: "blank", guest: living },
      ensured({ resetCount: 3 }, { observedGeneration: 6 }),
    );
    expect([step(decision.next), seen(decision.next)]).to.deep.equal(["none", "running/requested"]);
  });
});
