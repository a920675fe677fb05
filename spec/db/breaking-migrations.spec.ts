/** Which controllers of before end beside a database of this version: those that would spoil its rows. */
import { expect } from "chai";
import { breakingMigrations } from "../../db/migrations/index.ts";

describe("breaking migrations", () => {
  it("are those whose columns a controller that does not know them would empty, or never let go of", () => {
    // Without it a change of an interface would end before its host has let go of the port (0057).
    expect(breakingMigrations).to.include("0014-interfaces");
  });
});
