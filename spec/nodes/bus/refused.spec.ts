/** What a sender can cause in the log: the first refusal at once, then a number a period. */
import { expect } from "chai";
import { busLimits } from "../../../nodes/bus/limits.ts";
import { countRefused } from "../../../nodes/bus/refused.ts";
import { type Noted, rememberingLog } from "../../support/wire-world.ts";

describe("the log of refused messages", () => {
  it("has one line a period, with a number, for as long as there are any", () => {
    const noted: Noted[] = [];
    const due: { readonly ms: number; readonly run: () => void }[] = [];
    const refused = countRefused(rememberingLog(noted), "refused", (ms, run) => due.push({ ms, run }));
    const period = () => due.shift()?.run();
    const times = () => noted.map(({ fields }) => fields.times);
    for (let count = 0; count < 1_000; count += 1) refused.count({ subject: `s${count}` });
    expect(times()).to.deep.equal([1]);
    period();
    expect(times()).to.deep.equal([1, 999]);
    expect(noted.at(-1)).to.deep.include({ level: "warn", message: "refused" });
    expect(noted.at(-1)?.fields.subject).to.equal("s999");
    period();
    expect(due, "nothing waits while nothing is refused").to.deep.equal([]);
    refused.count({ subject: "later" });
    expect(times()).to.deep.equal([1, 999, 1]);
    expect(due.map(({ ms }) => ms)).to.deep.equal([busLimits.refusedPeriodMs]);
  });
});
