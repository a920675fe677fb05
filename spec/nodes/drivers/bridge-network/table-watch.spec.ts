/** Which tables were taken away, by the words of nft. By value. */
import { expect } from "chai";
import { deletedIn } from "../../../../nodes/drivers/bridge-network/table-watch.ts";

const own = ["bridge nv", "inet nv"];

describe("words of nft about tables", () => {
  it("say which of ours are gone", () => {
    const lines = ["delete table bridge nv", "delete table inet nv", ""];
    expect(deletedIn(lines, own)).to.deep.equal(own);
  });

  it("say nothing of a table that is made anew, or of those of others", () => {
    expect(deletedIn(["delete table bridge nv", "add table bridge nv"], own)).to.deep.equal([]);
    expect(
      deletedIn(["delete table bridge nvx", "delete table inet other", "delete table ip nv"], own),
    ).to.deep.equal([]);
    expect(deletedIn(["# new generation 7 by process 1 (nft)", "add table", "delete"], own)).to.deep.equal(
      [],
    );
  });

  it("are believed as they follow each other", () => {
    const lines = ["add table bridge nv", "delete table bridge nv"];
    expect(deletedIn(lines, own)).to.deep.equal(["bridge nv"]);
  });
});
