/** Places for works that may not all run at once. */
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { Places } from "../../../../../nodes/drivers/images/uploads/places.ts";

describe("places for works", () => {
  it("let two run at once, and the others in their order, whether a work fails or not", async () => {
    const places = new Places(2);
    const begun: number[] = [];
    const works = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
    const answers = works.map(({ promise }, index) =>
      places
        .run(() => {
          begun.push(index);
          return promise;
        })
        .catch((error: Error) => error.message),
    );
    await turn();
    expect(begun).to.deep.equal([0, 1]);
    works[1]?.reject(new Error("it failed"));
    await turn();
    expect(begun).to.deep.equal([0, 1, 2]);
    for (const [index, { resolve }] of works.entries()) resolve(index);
    expect(await Promise.all(answers)).to.deep.equal([0, "it failed", 2, 3, 4]);
    expect(begun).to.deep.equal([0, 1, 2, 3, 4]);
    expect(await places.run(async () => "again")).to.equal("again");
  });
});
