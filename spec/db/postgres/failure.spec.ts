/** What an error of PostgreSQL becomes for who asked: a full disk is said. */
import { expect } from "chai";
import { storeError } from "../../../db/postgres/failure.ts";

const sent = (code: string) => Object.assign(new Error("could not extend file"), { severity: "ERROR", code });

describe("an error of PostgreSQL", () => {
  it("says that the disk is full, and may be tried again", () => {
    const { reason, message } = storeError(sent("53100"), "commit");
    expect([reason, message]).to.deep.equal([
      "storeUnavailable",
      "The store cannot commit now: its disk is full.",
    ]);
    expect(storeError(sent("57014"), "commit").message).to.equal("The store cannot commit now.");
  });
});
