/** What a process holds by itself, as the bench counts it. */
import { expect } from "chai";
import { ownMib } from "../../../nodes/bench/flood-observer.ts";

describe("the memory of a process under flood", () => {
  it("is what is resident and not shared; of a process that has ended, nothing", () => {
    const status = "Name:\tpostgres\nVmRSS:\t  204800 kB\nRssAnon:\t  10240 kB\nRssShmem:\t  102400 kB\n";
    expect(ownMib(status)).to.equal(100);
    expect(ownMib("VmRSS:\t 2048 kB\n")).to.equal(2);
    expect(ownMib("")).to.equal(0);
  });
});
