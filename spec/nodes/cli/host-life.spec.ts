/**
 * The CLI's commands that fence, drain and remove hosts, against a controller on a memory bus: their
 * questions and their output.
 */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { systemClock } from "../../../nodes/process/clock.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn, type RunOptions } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("novact and the end of hosts", function () {
  this.timeout(20_000);
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());
  const json = async (line: string) => JSON.parse((await novact(`${line} --json`)).out);
  const create = (name: string, more = "") =>
    novact(`instance create ${name} --flavor tiny --image tiny --wait ${more}`);
  const table = async (line: string): Promise<readonly string[]> => {
    const lines = stripVTControlCharacters((await novact(line, { tty: true })).out)
      .trimEnd()
      .split("\n");
    for (const one of lines) expect(one.length, one).to.be.at.most(100);
    return lines;
  };
  const fence = (more: string, options: RunOptions = {}) =>
    novact(`host fence host-a --force ${more}`, options);

  it("fence asks for the name, then yes, then why, and shows the proof", async () => {
    await create("web");
    const { exit, out, err } = await fence("", { answers: ["host-a", "yes", "It burnt."] });
    expect(exit).to.equal(0);
    expect(err).to.contain("1 instances of host-a may start elsewhere");
    expect(out).to.match(/^state +fenced$/m);
    expect(out).to.match(/^fenced by +admin, who claims to be \S+@\S+$/m);
    expect(out).to.match(
      /^lease +fenced \S+ ago, epoch 1: the operator admin confirmed that host-a is off: It burnt\.$/m,
    );
    expect((await table("host list"))[1]).to.match(/^host-a +fenced /);
  });

  it("fence does nothing for a wrong name, without a yes, or when nobody is there", async () => {
    const attempts = [
      await fence("--reason off", { answers: ["host-b", "yes"] }),
      await fence("--reason off", { answers: ["host-a", "y"] }),
      await fence("--reason off"),
      await fence("--reason off --confirm host-b"),
      await fence("--confirm host-a"),
      await novact("host fence host-a --reason off --confirm host-a"),
    ];
    for (const { exit, err } of attempts) {
      expect(exit).to.not.equal(0);
      expect(err).to.match(/^next: /m);
    }
    expect(attempts[2]?.err).to.contain("--confirm host-a");
    expect(attempts[5]?.err).to.contain("Switch the host off first");
    expect((await json("host show host-a")).lease.state).to.equal("held");
    expect((await novact("host show host-a")).out).to.match(/^lease +held, epoch 1/m);
  });

  it("fence of scripts asks nothing, and the same request id is one fence", async () => {
    const line = "host fence host-a --force --confirm host-a --reason off --request-id f1";
    const first = await json(line);
    expect(first.lease.fencedBy).to.include({ kind: "operator", confirmedName: "host-a", by: "admin" });
    expect(await json(line)).to.deep.equal(first);
    const power = await novact("host fence host-a --power --confirm host-a --request-id f2");
    expect(power.exit).to.equal(0);
  });

  it("instance create keeps the recovery policy, show shows it, and evacuate is the way out", async () => {
    await create("db", "--recovery wait --recovery-priority 7");
    expect((await novact("instance show db")).out).to.match(/^recovery +wait, priority 7$/m);
    expect((await create("bad", "--recovery never")).exit).to.equal(2);
    const early = await novact("instance evacuate db");
    expect(early.err).to.contain("its host host-a is not fenced").and.contain("novact host fence");
    await world.host("b");
    await fence("--confirm host-a --reason off");
    expect((await novact("instance explain db")).out).to.contain("Its host was fenced: the operator admin");
    expect((await novact("instance evacuate db --wait")).exit).to.equal(0);
    expect((await json("instance show db")).hostName).to.equal("host-b");
  });

  it("drain shows how far it has come, and remove forgets what is empty", async () => {
    await create("web");
    await create("db", "--recovery leave");
    await world.host("b");
    const { out, err } = await novact('host drain host-a --reason "new disk" --parallel 2');
    expect(out)
      .to.match(/^state +draining$/m)
      .and.match(/^draining +0 moved, 0 on their way, 1 left, 1 stay$/m);
    expect(out).to.match(/^stays +db: Its recovery policy is leave: it stays with its host\.$/m);
    expect(err).to.contain("novact host show host-a");
    for (let tries = 0; (await json("host show host-a")).drain.moved < 1; tries += 1) {
      if (tries > 200) throw new Error("Nothing moves.");
      await new Promise<void>((resolve) => systemClock.after(25, resolve));
    }
    const full = await novact("host remove host-a");
    expect(full.err).to.contain("The host host-a still has 1 instance.").and.contain("novact host drain");
    await novact("instance delete db --wait");
    expect((await novact("host remove host-a")).out).to.contain("host-a is removed");
    expect((await json("host list")).map(({ name }: { name: string }) => name)).to.deep.equal(["host-b"]);
  });

  it("rebalance proposes in a table of 100 columns, with --dry-run and without", async () => {
    for (const name of ["one", "two", "three", "four"]) await create(name);
    await create("stays", "--recovery wait");
    await world.host("b");
    const lines = await table("rebalance --moves 2");
    expect(await table("rebalance --dry-run --moves 2")).to.deep.equal(lines);
    expect(lines[0]).to.match(/^INSTANCE +NAME +FROM +TO +GAIN$/);
    expect(lines[1]).to.match(/^\S{36} +\w+ +host-a +host-b +0\.\d{4}$/);
    expect(lines.at(-2)).to.match(/^Spread of the loads: 0\.\d{4} now, 0\.\d{4} after 2 moves/);
    expect(lines.at(-1)).to.equal("1 stay: Its recovery policy is wait: it stays with its host.");
    expect((await json("rebalance --dry-run")).moves).to.be.an("array");
  });
});
