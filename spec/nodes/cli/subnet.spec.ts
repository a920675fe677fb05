/** The range of a subnet on the command line: an option as everywhere, or the word behind the name. */
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

describe("novact subnet create", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    novact = commandOn(connectOn(world.bus, "test").connect);
    await novact("network create lan");
  });
  afterEach(() => world.stop());
  const create = async (words: string) => {
    const { exit, out, err } = await novact(`subnet create ${words} --network lan`);
    return exit === 0 ? /range +(\S+)/.exec(out)?.[1] : err;
  };

  it("takes the range as an option, or behind the name", async () => {
    expect(await create("one --cidr 10.0.0.0/24")).to.equal("10.0.0.0/24");
    expect(await create("two 10.0.1.0/24")).to.equal("10.0.1.0/24");
    expect(await create("three 10.0.2.0/24 --cidr 10.0.2.0/24"), "the same twice").to.equal("10.0.2.0/24");
  });

  it("says what is missing, and which word was meant", async () => {
    expect(await create("one")).to.equal(
      "error: The range of the subnet is missing.\nreason: usage (INVALID_ARGUMENT)\n" +
        "next: novact subnet create one --network lan --cidr 192.0.2.0/24\n",
    );
    expect(await create("10.0.0.0/24")).to.match(
      /^error: The name of the subnet is missing\.\n.*\nnext: novact subnet create NAME --network lan --cidr 10\.0\.0\.0\/24\n$/,
    );
    expect(await create("one 10.0.0.0/24 --cidr 10.0.1.0/24")).to.match(/^error: There are two ranges: /);
    expect(await create("one --cdir 10.0.0.0/24")).to.match(/Did you mean --cidr\?/);
  });
});
