/** What the owner of a guest is told when its process ended by itself: why, wherever the guest goes next. */
import { expect } from "chai";
import { fileOf, parseFile, revive } from "../../../../actors/node/machine/file.ts";
import { machineLimits } from "../../../../actors/node/machine/limits.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import type { Machine } from "../../../../actors/node/machine/state.ts";
import type { Loss } from "../../../../actors/ports/hypervisor.ts";
import type { RecoveryPolicy } from "../../../../protocol/states.ts";
import { at, blank, booted, done, ensure, fire, following, prepared, settle } from "./worlds.ts";

const why: Loss = { reason: "memoryExceeded", message: "The guest's process needed more memory." };
const lost = (ms?: number, loss: Loss | null = why): MachineEvent => ({
  ...{ kind: "guest", event: "lost", why: loss ?? undefined, at: at(ms) },
});

function begun(recovery: RecoveryPolicy): Machine {
  const plain = ensure();
  const request = { ...plain, spec: { ...plain.spec, recovery } };
  return prepared(following(blank, { kind: "ensure", request, at: at() }));
}
const running = (recovery: RecoveryPolicy = "restart") => settle(begun(recovery), booted);
const told = ({ observation: { state, reason, message } }: Machine) => ({
  told: `${state}/${reason}`,
  message,
});

describe("machine: why a guest's process ended", () => {
  it("is told until the guest runs again", () => {
    const down = following(running(), lost());
    expect(told(down)).to.deep.equal({ told: "starting/memoryExceeded", message: why.message });
    const up = settle(fire(settle(down, done)), booted);
    expect(told(up)).to.deep.equal({ told: "running/requested", message: "" });
  });

  it("is told of a guest that died before its start was known", () => {
    expect(told(settle(following(begun("restart"), lost()), booted)).told).to.equal(
      "starting/memoryExceeded",
    );
  });

  it("is told of the last death of a crash loop, whose reason is its own", () => {
    let machine = running();
    for (let loss = 1; loss <= machineLimits.guestRestartsMax; loss += 1)
      machine = settle(fire(settle(following(machine, lost(loss * 1_000)), done)), booted);
    machine = settle(following(machine, lost(7_000)), done);
    expect(told(machine).told).to.equal("failed/crashLoop");
    expect(told(machine).message).to.match(/died [0-9]+ times in a short while\. The guest's process needed/);
  });

  for (const policy of ["wait", "leave"] as const)
    it(`stays with a guest that is left down by its policy ${policy}, with what keeps it down`, () => {
      const down = settle(following(running(policy), lost()), done);
      expect(told(down).told).to.equal("failed/memoryExceeded");
      const both = `${why.message} The guest went down, and is left so: its recovery policy is ${policy}.`;
      expect(told(down).message).to.equal(both);
      const file = fileOf(down);
      expect(parseFile(down.spec.instanceId, file, []), "its file can be read").to.deep.equal(file);
      const after = following(revive(file, undefined), { kind: "begin", at: at() });
      if (policy === "wait") expect(fire(after).work?.kind).to.equal("boot");
      else expect(told(after)).to.deep.equal({ told: "failed/memoryExceeded", message: both });
    });

  it("is processLost when the host cannot tell", () => {
    expect(told(following(running(), lost(1_000, null)))).to.deep.equal({
      ...{ told: "starting/processLost", message: "" },
    });
  });
});
