/** What a node's log says of the bounds of its guests. */
import { expect } from "chai";
import { boundingText } from "../../../nodes/compute/bounding-text.ts";

describe("the bounds of a node's guests, in its log", () => {
  it("are said once when all are there", () => {
    const all = { memory: "v1", processes: "v1", cpu: "v1", freezer: "v2", why: "" } as const;
    expect(boundingText(all)).to.deep.equal({
      level: "info",
      text: "guests are bounded in memory by v1, in processes by v1, in CPU time by v1, when they are stopped by v2",
    });
  });

  it("are a warning with the reason and the next step when one lacks", () => {
    const some = {
      memory: "none",
      processes: "v2",
      cpu: "none",
      freezer: "v2",
      why: "/x is not ours",
    } as const;
    const { level, text } = boundingText(some);
    expect(level).to.equal("warn");
    expect(text).to.match(
      /^guests are not bounded in memory, in CPU time: \/x is not ours\. They are bounded in proc/,
    );
    expect(text).to.include("Delegate=yes");
  });
});
