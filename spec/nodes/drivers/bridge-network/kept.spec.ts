/** Work that is kept from one picture to the next, by value: only where the picture says the same. */
import { expect } from "chai";
import { interned, kept } from "../../../../nodes/drivers/bridge-network/rules/kept.ts";
import { networkPicture, portPicture } from "../../../support/fabric-pictures.ts";

const pictureOf = (numbers: readonly number[]) => ({
  ...{ version: 1, groups: [] },
  networks: [networkPicture(numbers.map((one) => portPicture(one)))],
});

describe("Work on pictures that is kept", () => {
  it("gives the objects of before for what is the same, and says what the picture says", () => {
    const before = pictureOf([1, 2]);
    const now = interned(pictureOf([1, 3]), before);
    expect(now).to.deep.equal(pictureOf([1, 3]));
    expect(now.networks[0]?.ports[0]).to.equal(before.networks[0]?.ports[0]);
    expect(now.networks[0]?.subnets).to.equal(before.networks[0]?.subnets);
  });

  it("does not take a port for itself that has changed", () => {
    const before = pictureOf([1]);
    const changed = pictureOf([1]);
    const [port] = changed.networks[0]?.ports ?? [];
    if (port === undefined) throw new Error("There is one.");
    const other = { ...port, portSecurity: false };
    const now = interned({ ...changed, networks: [networkPicture([other])] }, before);
    expect(now.networks[0]?.ports[0]).to.deep.equal(other);
  });

  it("does a function's work once for an object, and again when the other things differ", () => {
    const asked: string[] = [];
    const work = kept((one: { readonly id: string }, other: string) => {
      asked.push(other);
      return `${one.id}${other}`;
    });
    const one = { id: "a" };
    expect([work(one, "x"), work(one, "x"), work(one, "y"), work({ id: "a" }, "y")]).to.deep.equal([
      ...["ax", "ax", "ay", "ay"],
    ]);
    expect(asked).to.deep.equal(["x", "y", "y"]);
  });
});
