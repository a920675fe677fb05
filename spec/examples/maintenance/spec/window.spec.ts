/** Windows by value: which one concerns a host, what the scheduler hears of it, and what the filter says. */
import { expect } from "chai";
import { filterContract } from "novact/contract";
import { windowFacts } from "../src/host-facts.ts";
import { notInWindow } from "../src/not-in-window.ts";
import plugin from "../src/plugin.ts";
import { assertAhead } from "../src/refusals.ts";
import { type MaintenanceWindow, maintenanceWindow } from "../src/window.ts";

const nowMs = Date.parse("2026-12-01T12:00:00Z");
const hour = 3_600_000;
const windowOf = (name: string, change: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({
  ...{ id: `id-${name}`, name, createdAtMs: 1, version: 1, hostIds: ["h1"], reason: "new fans" },
  ...{ fromMs: nowMs + 3 * hour, untilMs: nowMs + 5 * hour },
  ...change,
});

const factsOf = (windows: readonly MaintenanceWindow[], leadMs = hour) =>
  windowFacts(leadMs).of({ rows: { [maintenanceWindow.noun]: windows }, hosts: [], nowMs });

/** The name of a host's window, and whether it is closed. */
const closedBy = (facts: Readonly<Record<string, unknown>>, hostId: string) => {
  const { window, closed }: { window?: string; closed?: boolean } = facts[hostId] ?? {};
  return [window, closed];
};

describe("facts of maintenance windows", () => {
  it("say of each host the window that begins first and is not over", () => {
    const facts = factsOf([
      windowOf("late", { fromMs: nowMs + 4 * hour }),
      windowOf("over", { fromMs: nowMs - 2 * hour, untilMs: nowMs }),
      windowOf("early", { hostIds: ["h2", "h1"] }),
    ]);
    expect(closedBy(facts, "h1")).to.deep.equal(["early", false]);
    expect(closedBy(facts, "h2")).to.deep.equal(["early", false]);
    expect(Object.keys(facts)).to.have.members(["h1", "h2"]);
  });

  it("close a host from the lead before the window until its end", () => {
    const begins = (fromMs: number, leadMs = hour) =>
      closedBy(factsOf([windowOf("w", { fromMs })], leadMs), "h1")[1];
    expect(begins(nowMs + hour + 1)).to.equal(false);
    expect(begins(nowMs + hour)).to.equal(true);
    expect(begins(nowMs - hour)).to.equal(true);
    expect(begins(nowMs + 1, 0)).to.equal(false);
    expect(begins(nowMs, 0)).to.equal(true);
    expect(factsOf([windowOf("w", { fromMs: nowMs - hour, untilMs: nowMs })])).to.deep.equal({});
  });
});

describe("maintenance.notInWindow", () => {
  const facts = (change: Partial<MaintenanceWindow>) => ({
    facts: { maintenance: factsOf([windowOf("fans", change)]).h1 },
  });
  filterContract(notInWindow, [
    { when: "nothing is planned" },
    { when: "facts of others", host: { facts: { cooling: true } } },
    { when: "a window of another day", host: facts({ fromMs: nowMs + 2 * hour }) },
    {
      when: "a window that begins soon",
      host: facts({ fromMs: nowMs + hour }),
      refused: {
        reason:
          "it is in the maintenance window fans, from 2026-12-01T13:00:00Z until 2026-12-01T17:00:00Z (new fans)",
        remedy: "wait until 2026-12-01T17:00:00Z, or end the window: novact maintenance-window delete fans",
      },
    },
  ]);
});

describe("the plug-in maintenance", () => {
  it("closes hosts an hour before, unless its option says otherwise", () => {
    const rows = { [maintenanceWindow.noun]: [windowOf("w", { fromMs: nowMs + hour })] };
    const closed = (options: { leadMinutes?: number }) =>
      closedBy(plugin.parts(options).facts?.of({ rows, hosts: [], nowMs }) ?? {}, "h1");
    expect(closed({})).to.deep.equal(["w", true]);
    expect(closed({ leadMinutes: 59 })).to.deep.equal(["w", false]);
  });

  it("refuses windows that end before they begin, or are over", () => {
    const assert = (fromMs: number, untilMs: number) => () => assertAhead({ fromMs, untilMs }, nowMs);
    expect(assert(nowMs + 2, nowMs + 1)).to.throw("would end at 2026-12-01T12:00:00Z");
    expect(assert(nowMs + 1, nowMs + 1)).to.throw("would end at");
    expect(assert(nowMs - 2, nowMs)).to.throw("would be over");
    expect(assert(nowMs - 2, nowMs + 1)).to.not.throw();
  });
});
