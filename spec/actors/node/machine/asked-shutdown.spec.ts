/**
 * A guest that shuts down because its power button was pressed did not want to, even if the agent dies
 * between the two. Found by the crash matrix: a start after a stop ended as stopped.
 */
import { expect } from "chai";
import { fileDiffers, fileOf, revive } from "../../../../actors/node/machine/file.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import { at, booted, done, ensured, following, known, machineAfter, prepared, settle } from "./worlds.ts";

const begin: MachineEvent = { kind: "begin", at: at() };
const running = () => settle(prepared(machineAfter(ensured())), booted);
const pressed = () =>
  settle(
    following(
      running(),
      ensured({ generation: 2, power: "stopped", stop: { mode: "graceful", timeoutMs: 60_000 } }),
    ),
    done,
  );
const wantedAgain = () => following(pressed(), ensured({ generation: 3, power: "running" }));
const over = (startedAtMs: number) => ({ ownerEpoch: 1, status: "shutdown" as const, startedAtMs });

describe("machine: a shutdown that was asked for", () => {
  it("is written down with the process it was asked of, once", () => {
    expect(fileOf(pressed()).shutdownAskedOf).to.equal(known(running()).startedAtMs);
    expect(
      fileDiffers({ ...running(), shutdownAsked: false }, { ...running(), shutdownAsked: true }),
    ).to.equal(true);
    expect(fileOf(running()).shutdownAskedOf).to.equal(null);
  });

  it("is no wish of the guest after a restart of the agent: what is wanted up is started again", () => {
    const machine = following(revive(fileOf(wantedAgain()), over(5)), begin);
    expect(machine.rest).to.equal(undefined);
    expect(machine.observation.reason).not.to.equal("guestShutdown");
  });

  it("says nothing of a later process", () => {
    const machine = following(revive(fileOf(wantedAgain()), over(6)), begin);
    expect(machine.rest?.reason).to.equal("guestShutdown");
  });
});
