/** Who waits for consoles at a controller: so many of each guest, counted for each project that asks. */
import { expect } from "chai";
import { ConsoleReaders } from "../../../../actors/control/instances/console-readers.ts";
import { consoleLimits } from "../../../../actors/control/instances/limits.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";

const most = consoleLimits.consoleReadersPerGuestMax;

function readers() {
  const consoles = new ConsoleReaders();
  const enter = (project: string, id: string) => consoles.enter({ project, id });
  const reasonOf = (project: string, id: string) => {
    try {
      enter(project, id);
      return "entered";
    } catch (error) {
      return error instanceof StatusError ? `${error.reason} ${error.retryAfterMs}` : "thrown";
    }
  };
  return { consoles, enter, reasonOf };
}

describe("readers of consoles", () => {
  it("are so many of each guest, and the others are told when to ask again", () => {
    const { enter, reasonOf } = readers();
    const leaves = Array.from({ length: most }, () => enter("demo", "i1"));
    expect(reasonOf("demo", "i1")).to.equal(`tooManyWaits ${consoleLimits.consoleReadersRetryAfterMs}`);
    expect(reasonOf("demo", "i2")).to.equal("entered");
    leaves[0]?.();
    expect(reasonOf("demo", "i1")).to.equal("entered");
  });

  it("of another project take none of a guest's places", () => {
    const { enter, reasonOf } = readers();
    for (let at = 0; at < most; at += 1) enter("stranger", "i1");
    expect(reasonOf("demo", "i1")).to.equal("entered");
  });

  it("are forgotten when they have gone", () => {
    const { consoles, enter } = readers();
    const leaves = ["i1", "i1", "i2"].map((id) => enter("demo", id));
    expect(consoles.remembered).to.equal(2);
    for (const leave of leaves) leave();
    expect(consoles.remembered).to.equal(0);
  });
});
