/** Which method a host's agent is asked by: an older one must refuse what it would not do. */
import { expect } from "chai";
import { workEffects } from "../../../actors/control/instance/state.ts";
import { askHost } from "../../../nodes/controller/ask-host.ts";
import type { DesiredPower } from "../../../protocol/states.ts";
import { newborn } from "../../support/instances.ts";
import { machine } from "../../support/store-rows.ts";

const numa = { dedicated: true, cells: [{ cell: 0, vcpus: 1, memoryMib: 64 }] };

async function methodFor(bound: boolean, power: DesiredPower, leaseEpoch: number) {
  const loaded = newborn(1, { leaseEpoch });
  const claims = loaded.claims.map((claim) => ({ ...claim, numa: bound ? numa : null }));
  const [effect] = workEffects({ ...loaded, claims });
  if (effect?.kind !== "ensure") throw new Error("Its host is told.");
  const { kind: _, hostId: __, ...asked } = effect;
  const called: string[] = [];
  const answer = (name: string) => async (request: object) => {
    called.push(`${name} ${"leaseEpoch" in request ? request.leaseEpoch : "-"}`);
    return { observation: machine("i") };
  };
  const host = {
    ensure: answer("ensure"),
    ensureLeased: answer("ensureLeased"),
    ensureBound: answer("ensureBound"),
  };
  await askHost(host, { ...asked, intent: { ...asked.intent, power } });
  return called.join();
}

describe("what a controller asks of a host's agent", () => {
  const cases: readonly (readonly [boolean, DesiredPower, number, string])[] = [
    [false, "running", 0, "ensure -"],
    [false, "running", 3, "ensureLeased 3"],
    [true, "running", 0, "ensureBound -"],
    [true, "stopped", 3, "ensureBound 3"],
    [true, "deleted", 3, "ensure -"],
  ];
  for (const [bound, power, leaseEpoch, method] of cases)
    it(`is ${method} for a guest ${bound ? "with CPUs of its own " : ""}that shall be ${power}`, async () => {
      expect(await methodFor(bound, power, leaseEpoch)).to.equal(method);
    });
});
