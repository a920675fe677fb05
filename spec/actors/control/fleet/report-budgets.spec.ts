/** What a host may cause, by time and number: pure arithmetic on simulated time. */
import { expect } from "chai";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import { ReportBudgets } from "../../../../actors/control/fleet/report-budgets.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { type Noted, rememberingLog } from "../../../support/wire-world.ts";

const { registrationsBurstMax, registrationPeriodMs, deedsBurstMax, deedPeriodMs } = fleetLimits;

describe("hosts: budgets of reports", () => {
  let clock: SimulatedClock;
  let noted: Noted[];
  let budgets: ReportBudgets;
  beforeEach(() => {
    clock = new SimulatedClock();
    noted = [];
    budgets = new ReportBudgets({ clock, log: rememberingLog(noted) });
  });
  const registrations = (hostId: string, count: number) =>
    Array.from({ length: count }, () => budgets.take(hostId, "registration")).filter(Boolean).length;

  it("are of each host and kind for itself, and grow again by one in each period", async () => {
    expect(registrations("evil", 100)).to.equal(registrationsBurstMax);
    expect(registrations("good", 1)).to.equal(1);
    expect(budgets.take("evil", "complete report")).to.equal(true);
    await clock.advance(2 * registrationPeriodMs);
    expect(registrations("evil", 100)).to.equal(2);
    await clock.advance(10 * registrationsBurstMax * registrationPeriodMs);
    expect(registrations("evil", 100)).to.equal(registrationsBurstMax);
  });

  it("give all of an amount or nothing, so that a page of deeds passes once there is so much", async () => {
    expect(budgets.take("h", "deed", deedsBurstMax - 3)).to.equal(true);
    for (let round = 0; round < 12; round += 1) {
      expect(budgets.take("h", "deed", 16)).to.equal(false);
      await clock.advance(deedPeriodMs);
    }
    await clock.advance(deedPeriodMs);
    expect(budgets.take("h", "deed", 16)).to.equal(true);
  });

  it("refuse with a code, when to come again, and few lines of the log, which count the others", async () => {
    const refusals: StatusError[] = [];
    for (let report = 0; report < 1_000; report += 1)
      try {
        budgets.demand("evil", "registration");
      } catch (thrown) {
        refusals.push(StatusError.from(thrown, "Registering"));
      }
    expect(refusals).to.have.length(1_000 - registrationsBurstMax);
    expect(refusals[0]).to.include({ reason: "tooManyRequests", retryAfterMs: registrationPeriodMs });
    expect(noted.map(({ fields }) => fields)).to.deep.equal([
      { host: "evil", kind: "registration", untold: 0 },
    ]);
    await clock.advance(fleetLimits.strangeShownMs);
    budgets.take("evil", "deed", deedsBurstMax + 1);
    expect(budgets.lately()).to.deep.equal(["evil"]);
    await clock.advance(fleetLimits.strangeShownMs);
    expect(budgets.lately()).to.deep.equal([]);
  });

  it("are remembered of a bounded number of hosts", () => {
    expect(registrations("evil", 100)).to.equal(registrationsBurstMax);
    for (let host = 0; host < fleetLimits.reportBudgetsMax; host += 1) registrations(`h${host}`, 1);
    expect(registrations("evil", 100)).to.equal(registrationsBurstMax);
  });
});
