/** The CLI's commands that edit and lock instances, against a controller on a memory bus. */
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("novact instance set, lock, unlock", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { vcpus: 10 });
    novact = commandOn(connectOn(world.bus, "test").connect);
    for (const name of ["web", "db"])
      await novact(`instance create ${name} --flavor tiny --image tiny --description "the ${name}" --wait`);
  });
  afterEach(() => world.stop());
  const shown = async (key: string) => JSON.parse((await novact(`instance show ${key} --json`)).out);

  it("set changes what is named, takes away what has no value, and leaves the rest", async () => {
    expect(await novact("instance set web --metadata role=front --metadata old=1")).to.include({
      exit: 0,
      err: "",
    });
    const { exit, out } = await novact('instance set web --name www --metadata old= --description "for all"');
    expect(exit).to.equal(0);
    expect(out).to.match(/^\S{36} {2}www {2}for all, role=front\n$/);
    expect(await shown("www")).to.deep.include({ description: "for all", metadata: { role: "front" } });
    await novact("instance set www --no-description");
    expect(await shown("www")).to.include({ name: "www", description: null });
    expect((await novact("instance show db")).out).to.match(/^description +the db$/m);
  });

  it("lock refuses what the project asks for, says why, and unlock lifts it; of several at once", async () => {
    const { exit, out } = await novact('instance lock web db --reason "month end"');
    expect(exit).to.equal(0);
    expect(out).to.match(/^\S{36} {2}web {2}locked by its project: month end\n\S{36} {2}db {2}locked/);
    const refused = await novact("instance delete web");
    expect(refused.exit).to.equal(4);
    expect(refused.err)
      .to.match(
        /^error: Instance web \(\S{36}\) was locked by its project: month end\.\nreason: instanceLocked/,
      )
      .and.to.contain("novact instance unlock");
    expect((await novact("instance show web")).out).to.match(/^locked +by its project: month end$/m);
    expect((await novact("instance unlock web db")).out).to.match(/not locked\n.*not locked\n$/);
    expect((await novact("instance stop web --hard --wait")).exit).to.equal(0);
  });

  it("operators lock with --project admin, and the project cannot lift that", async () => {
    await novact("instance lock web --project admin");
    expect((await novact("instance show web")).out).to.match(/^locked +by the operators$/m);
    expect((await novact("instance unlock web")).err).to.contain("instanceLocked");
    expect((await novact("instance unlock web --project admin --json")).exit).to.equal(0);
    expect(await shown("web")).to.include({ locked: false });
  });

  it("one that cannot be edited stops none of the others, and its error comes last", async () => {
    await novact("instance lock db --project admin");
    const { exit, out, err } = await novact("instance unlock web db --json");
    expect(exit).to.equal(4);
    expect(JSON.parse(out)).to.have.length(1);
    expect(JSON.parse(err)).to.have.nested.property("error.reason", "instanceLocked");
  });

  it("is refused with what to do when nothing is to be set, or one request id is for several", async () => {
    expect(await novact("instance set web")).to.include({ exit: 2, out: "" });
    expect((await novact("instance set web")).err).to.contain("Give --name, --description or --metadata.");
    expect((await novact("instance lock web db --request-id r")).exit).to.equal(2);
    const first = await novact("instance lock web --request-id r1 --json");
    expect(await novact("instance lock web --request-id r1 --json")).to.deep.equal(first);
  });
});
