/** What a project's commands may leave behind in a day: counted when they are executed, and once each. */
import { expect } from "chai";
import { admissionLimits } from "../../../protocol/limits/admission.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { CommandBudgets } from "../../../protocol/wire/command-budget.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { thingClient, thingHandlers, thingServer } from "../../support/wire-world.ts";

const { createCountMax: many } = placementLimits;
const { projectCommandsPerDayMax: aDay, projectCommandBytesPerDayMax: bytesADay } = admissionLimits;
const dayMs = 24 * 3_600_000;

/** When the project may go on, in ms; 0: now. */
function refusedForMs(budgets: CommandBudgets, project: string, nowMs: number, requestId = "new"): number {
  try {
    budgets.assertLeft({ project, requestId }, nowMs);
    return 0;
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(StatusError).and.include({ reason: "tooManyCommands" });
    return thrown instanceof StatusError ? (thrown.retryAfterMs ?? Number.NaN) : Number.NaN;
  }
}

describe("budgets of commands", () => {
  let number = 0;
  const spend = (
    budgets: CommandBudgets,
    project: string,
    count: number,
    { nowMs = 0, bytes = 100 }: { readonly nowMs?: number; readonly bytes?: number } = {},
  ) => {
    number += 1;
    budgets.spend({ project, requestId: `r${number}` }, { request: { count }, bytes }, nowMs);
  };

  it("have a day's commands at once, then those of the time that has passed, and are a project's own", () => {
    const budgets = new CommandBudgets();
    for (let spent = 0; spent < aDay; spent += many) {
      expect(refusedForMs(budgets, "demo", 0)).to.equal(0);
      spend(budgets, "demo", many);
    }
    expect(refusedForMs(budgets, "demo", 0)).to.be.within(dayMs / aDay, 1_000);
    expect(refusedForMs(budgets, "other", 0)).to.equal(0);
    expect(refusedForMs(budgets, "demo", 1_000)).to.equal(0);
    for (let at = 0; at < 6; at += 1) spend(budgets, "demo", 1, { nowMs: 1_000 });
    expect(refusedForMs(budgets, "demo", 1_000)).to.be.greaterThan(0);
    expect(refusedForMs(budgets, "demo", dayMs)).to.equal(0);
  });

  it("count the bytes that each instance keeps", () => {
    const budgets = new CommandBudgets();
    const large = 200 * 1024;
    for (let bytes = 0; bytes < bytesADay; bytes += large * many)
      spend(budgets, "demo", many, { bytes: large });
    expect(refusedForMs(budgets, "demo", 0)).to.be.greaterThan(0);
  });

  it("bound no operator", () => {
    const budgets = new CommandBudgets();
    for (let spent = 0; spent < 2 * aDay; spent += many) spend(budgets, "admin", many);
    expect(refusedForMs(budgets, "admin", 0)).to.equal(0);
  });

  it("take a request once, and answer its repetitions also when nothing is left", () => {
    const budgets = new CommandBudgets();
    const waited = { project: "demo", requestId: "waits" };
    for (let at = 0; at < 2_000; at += 1) budgets.spend(waited, { request: { count: many }, bytes: 1 }, 0);
    expect(refusedForMs(budgets, "demo", 0)).to.equal(0);
    for (let spent = 0; spent < aDay; spent += many) spend(budgets, "demo", many);
    expect(refusedForMs(budgets, "demo", 0)).to.be.greaterThan(0);
    expect(refusedForMs(budgets, "demo", 0, "waits")).to.equal(0);
  });

  it("are spent by what a server executes: no read and no refusal counts, and reads go on", async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    let refuses = true;
    const make = async () => {
      if (refuses) throw new StatusError("quotaExceeded", "Enough.");
      return { thing: { id: "t1", name: "a", project: "demo" } };
    };
    thingServer({ bus, clock }, { handlers: thingHandlers([], { make }) });
    const client = thingClient({ bus, clock });
    const reasonOf = (made: Promise<unknown>) =>
      made.then(
        () => "made",
        (thrown: unknown) => (thrown instanceof StatusError ? thrown.reason : "unknown"),
      );
    const all = async () => {
      const reasons = new Map<string, number>();
      for (let spent = 0; spent < aDay + many; spent += many) {
        const reason = await reasonOf(client.make({ name: "a", count: many }));
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
      return Object.fromEntries(reasons);
    };
    expect(await all()).to.deep.equal({ quotaExceeded: aDay / many + 1 });
    refuses = false;
    expect(await all()).to.deep.equal({ made: aDay / many, tooManyCommands: 1 });
    expect((await client.get("t1", {})).thing.id).to.equal("t1");
    expect(await reasonOf(client.wipe({})), "of an operator").to.equal("made");
  });

  it("are spent by what is executed after its caller's deadline as well", async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock });
    const make = async () => {
      await new Promise<void>((resolve) => clock.after(2_000, resolve));
      return { thing: { id: "t1", name: "a", project: "demo" } };
    };
    thingServer({ bus, clock }, { handlers: thingHandlers([], { make }) });
    const client = thingClient({ bus, clock });
    const reasons = new Set<string>();
    for (let spent = 0; spent < 1.2 * aDay; spent += many) {
      const made = client.make({ name: "a", count: many }, { timeoutMs: 1_000 }).catch((thrown: unknown) => {
        reasons.add(thrown instanceof StatusError ? thrown.reason : "unknown");
      });
      await clock.advance(2_100);
      await made;
    }
    expect([...reasons].sort()).to.deep.equal(["timeout", "tooManyCommands"]);
  });
});
