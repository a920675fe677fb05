/** Commands on several things: named, chosen by filters, asked about; the sum of it last; on a memory bus. */
import { expect } from "chai";
import { worstExit } from "../../../nodes/cli/several/report.ts";
import { exitCodes } from "../../../nodes/package/exit-codes.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("cli: several things", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());

  const make = async (...names: readonly string[]) => {
    for (const name of names)
      await world.demo.instance.create({
        name,
        flavor: "tiny",
        image: "tiny",
        metadata: { role: name.slice(0, 3) },
        wait: true,
      });
  };
  const states = async (): Promise<Readonly<Record<string, string>>> => {
    const { instances } = await world.demo.instance.list({});
    return Object.fromEntries(instances.map(({ name, state }) => [name, state]));
  };

  describe("chosen by filters", () => {
    beforeEach(() => make("web-1", "web-2", "db-1"));

    it("asks a person how many and which, and yes does it", async () => {
      const { exit, err, out } = await novact("instance stop --name web-* --hard --wait", {
        tty: true,
        answers: ["yes"],
      });
      expect(err).to.contain("stop 2 instances: web-1, web-2? [yes/no]");
      expect(err.trimEnd().split("\n").at(-1)).to.equal("stop: all 2 done.");
      expect(out)
        .to.match(/web-1 {2}.*stopped/)
        .and.to.match(/web-2 {2}.*stopped/);
      expect(exit).to.equal(0);
      expect(await states()).to.deep.equal({ "web-1": "stopped", "web-2": "stopped", "db-1": "running" });
    });

    it("any other answer does nothing", async () => {
      for (const answer of ["no", "", "yes please"]) {
        const { exit, err } = await novact("instance delete --all", {
          tty: true,
          answers: [answer],
          env: { NO_COLOR: "1" },
        });
        expect([exit, err]).to.deep.equal([
          exitCodes.usage.exit,
          "delete 3 instances: web-1, web-2, db-1? [yes/no] \nerror: Nothing was done.\n" +
            "reason: usage (INVALID_ARGUMENT)\nnext: Answer yes to go on.\n",
        ]);
      }
      expect(Object.keys(await states())).to.have.length(3);
    });

    it("where nobody can be asked it is refused, and --yes answers", async () => {
      const { exit, err, out } = await novact("instance delete --metadata role=web");
      expect([exit, out]).to.deep.equal([exitCodes.usage.exit, ""]);
      expect(err)
        .to.match(
          /^error: This would delete 2 instances \(web-1, web-2\), and nobody is there to say yes\.$/m,
        )
        .and.to.match(/^next: Add --yes, or --dry-run/m);
      expect(Object.keys(await states())).to.have.length(3);
      expect((await novact("instance delete --metadata role=web --yes --wait")).exit).to.equal(0);
      expect(await states()).to.deep.equal({ "db-1": "running" });
    });

    it("--dry-run shows what it would be done to, asks nobody, and does nothing", async () => {
      const before = await states();
      for (const choice of [
        "--all",
        "--name web-*",
        "--state running --name db-1",
        "--host host-a",
        "web-1 db-1",
      ]) {
        const listed = choice.startsWith("--")
          ? (await novact(`instance list ${choice.replace("--all", "")} -o id`)).out
          : undefined;
        for (const verb of ["start", "stop", "reboot", "pause", "unpause", "delete"]) {
          const { exit, out, err } = await novact(`instance ${verb} ${choice} --dry-run -o id`);
          if (listed !== undefined) expect(out, `${verb} ${choice}`).to.equal(listed);
          expect(err).to.match(
            new RegExp(`^Dry run: \\d would be asked to ${verb}\\. Nothing was done\\.$`, "m"),
          );
          expect(exit).to.equal(0);
        }
      }
      expect(await states()).to.deep.equal(before);
      expect((await novact("instance delete --all --dry-run")).out).to.match(
        /^ID +NAME +STATE[\s\S]*db-1 +running/,
      );
    });

    it("none of them is no error", async () => {
      expect(await novact("instance delete --state failed")).to.deep.equal({
        exit: 0,
        out: "",
        err: "There are none to delete.\n",
      });
      expect(await novact("instance delete --state failed --json")).to.include({ exit: 0, out: "[]\n" });
    });

    it("names and filters at once, or neither, are refused", async () => {
      const both = await novact("instance delete web-1 --all --yes");
      expect([both.exit, both.err]).to.deep.equal([2, both.err]);
      expect(both.err).to.contain("Names and filters contradict each other.");
      const neither = await novact("instance delete --yes");
      expect(neither.err)
        .to.contain("Missing required argument 'instance'.")
        .and.to.contain("--name 'web-*'");
      expect((await novact("instance stop --all --yes --request-id r1")).exit).to.equal(2);
      expect(Object.keys(await states())).to.have.length(3);
    });

    it("an operator is told of which projects they are", async () => {
      await world.other.instance.create({ name: "theirs", flavor: "tiny", image: "tiny", wait: true });
      const { err } = await novact("instance delete --all --project admin");
      expect(err).to.contain("4 instances (web-1 (demo), web-2 (demo), db-1 (demo), theirs (other))");
    });
  });

  describe("named", () => {
    it("are not asked about, the errors come after what was done, and the sum of it last", async () => {
      await make("a", "b", "twin", "twin");
      const ids = (await world.demo.instance.list({ name: "twin" })).instances.map(({ id }) => id);
      const { exit, out, err } = await novact("instance stop a ghost twin b --hard --wait");
      expect(out.match(/stopped/g)).to.have.length(2);
      const told = err.slice(err.indexOf("error:"));
      expect(told)
        .to.match(/^error: ghost: There is no instance ghost\./)
        .and.to.match(/error: twin: The name "twin" belongs to several instances:/)
        .and.to.match(/stop: 2 of 4 done, 2 refused\.\n$/);
      for (const id of ids) expect(told).to.contain(id);
      expect(exit, "not found is worse than ambiguous").to.equal(3);
    });

    it("the worst of several errors gives the exit code", async () => {
      const { exits } = {
        exits: Object.values(exitCodes).map(({ exit }) => exit),
      };
      expect(worstExit([])).to.equal(0);
      expect(worstExit([0, 2, 3])).to.equal(exitCodes.notFound.exit);
      expect(worstExit([7, 6, 4])).to.equal(exitCodes.timeout.exit);
      expect(worstExit([1, 7])).to.equal(exitCodes.internal.exit);
      for (const exit of exits.filter((one) => one < 9))
        expect(worstExit([0, exit]), String(exit)).to.equal(exit);
    });

    it("an error that names nothing is told with the name", async () => {
      await make("a", "b");
      const request: typeof world.bus.request = async (subject, ...rest) => {
        if (subject.endsWith(".stop")) throw new StatusError("adminOnly", "Not allowed.");
        return world.bus.request(subject, ...rest);
      };
      const denied = commandOn(connectOn({ ...world.bus, request }, "test").connect);
      const { exit, err } = await denied("instance stop a b");
      expect(err).to.contain("error: a: Not allowed.").and.to.contain("error: b: Not allowed.");
      expect(err.trimEnd().split("\n").at(-1)).to.equal("stop: 0 of 2 under way, 2 refused.");
      expect(exit).to.equal(exitCodes.denied.exit);
    });

    it("one of several whose time is over is told beside those that ended", async () => {
      await make("a");
      const silent = await world.host("b");
      silent.silent = true;
      await novact('host disable host-a --reason "for the test"');
      await world.demo.instance.create({ name: "late", flavor: "tiny", image: "tiny" });
      const { exit, out, err } = await novact("instance delete a late --wait --timeout 500ms");
      expect(out).to.match(/ a {2}deleted/);
      expect(err)
        .to.match(/next: Go on waiting: novact operation show/)
        .and.to.match(/delete: 1 of 2 done, 1 under way\.\n$/);
      expect(exit).to.equal(exitCodes.timeout.exit);
    });

    it("hundreds are sent a few at a time", async () => {
      let [now, most] = [0, 0];
      const request: typeof world.bus.request = async (...given) => {
        now += 1;
        most = Math.max(most, now);
        try {
          return await world.bus.request(...given);
        } finally {
          now -= 1;
        }
      };
      const counted = commandOn(connectOn({ ...world.bus, request }, "test").connect);
      const names = Array.from({ length: 200 }, (_, at) => `nobody-${at}`).join(" ");
      const { exit, err } = await counted(`instance delete ${names}`);
      expect(most).to.be.within(1, 8);
      expect(err.match(/^error:/gm)).to.have.length(20);
      expect(err).to.match(/And 180 more errors\.\ndelete: 0 of 200 under way, 200 refused\.\n$/);
      expect(exit).to.equal(3);
    });
  });

  describe("delete of a noun", () => {
    it("takes several names, does what can be done, and says what could not", async () => {
      for (const name of ["a", "b"])
        await world.admin.flavor.create({ name, vcpus: 1, memoryMib: 64, diskGib: 0 });
      const dry = await novact("flavor delete a ghost b --dry-run");
      expect(dry.out).to.match(/a {2}would be deleted\n.*b {2}would be deleted\n$/);
      expect(dry.err).to.match(/ghost[\s\S]*delete: 2 of 3 would be deleted, 1 refused\.\n$/);
      const { exit, out, err } = await novact("flavor delete a ghost b");
      expect(out).to.match(/^\S{36} {2}a {2}deleted\n\S{36} {2}b {2}deleted\n$/);
      expect(err).to.match(/^error: .*ghost[\s\S]*delete: 2 of 3 deleted, 1 refused\.\n$/);
      expect(exit).to.equal(3);
      expect((await novact("flavor list -o name")).out).to.equal("tiny\n");
    });

    it("says of each noun that it is gone", async () => {
      await world.admin.aggregate.create({ name: "rack" });
      await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
      expect((await novact("aggregate delete rack")).out).to.match(/^\S{36} {2}rack {2}deleted\n$/);
      expect((await novact("group delete apart")).out).to.match(/^\S{36} {2}apart {2}deleted\n$/);
      expect(JSON.parse((await novact("image delete tiny --project admin --json")).out).name).to.equal(
        "tiny",
      );
    });
  });
});
