/**
 * The CLI's commands that fence, drain and remove hosts, against a controller on a memory bus: their
 * questions and their output.
 */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { until } from "../../support/asking.ts";
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
    expect(err).to.contain("1 instance of host-a may start elsewhere");
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

  it("explain keeps the failure of then apart from the hosts of now", async () => {
    await create("web");
    await fence("--confirm host-a --reason off");
    const { out } = await until(
      () => novact("instance explain web"),
      (explained) => explained.out.includes("It failed"),
    );
    expect(out)
      .to.match(/^· A host that fits: none does now\.$/m)
      .and.to.match(/^before\n {2}\S+ \S+ {2}It failed \(noValidHost\): No host fits: /m)
      .and.not.match(/^failure/m);
  });

  it("drain tells what stays and how to wait, and remove forgets what is empty", async () => {
    await create("web");
    await create("db", "--recovery leave");
    await world.host("b");
    const { out, err } = await novact('host drain host-a --reason "new disk" --parallel 2');
    expect(out).to.match(
      /^host-a {2}draining {2}operation \S{36}\n {2}stays {2}db: Its recovery policy is leave: it stays with its host\.\n$/,
    );
    expect(err).to.match(/^Wait for the end: novact operation show \S{36} --wait$/m);
    const [, id = ""] = /operation show (\S{36})/.exec(err) ?? [];
    const shown = await novact(`operation show ${id} --wait`);
    expect(shown.exit).to.equal(4);
    expect(shown.out)
      .to.match(/^host +host-a \(a\)$/m)
      .and.match(/^kind +drain$/m);
    const full = await novact("host remove host-a");
    expect(full.err).to.contain("The host host-a still has 1 instance.").and.contain("novact host drain");
    await novact("instance delete db --wait");
    expect((await novact("host remove host-a")).out).to.contain("host-a is removed");
    expect((await json("host list")).map(({ name }: { name: string }) => name)).to.deep.equal(["host-b"]);
  });

  it("drain --wait shows how many are gone, and ends with what stays and why", async () => {
    await create("web");
    await create("db", "--recovery leave");
    await world.host("b");
    const { exit, out, err } = await novact("host drain host-a --reason disk --wait");
    expect(exit).to.equal(4);
    expect(err)
      .to.match(/moving {2}\d of 2 gone, .*1 staying: db: Its recovery policy is leave/)
      .and.match(/host-a is not empty: 1 staying: db: Its recovery policy is leave/)
      .and.match(/^next: .*novact host drain/m);
    expect(out).to.equal("host-a  failed\n");
    await novact("instance delete db --wait");
    const again = await novact("host drain host-a --reason disk --wait");
    expect([again.exit, again.out]).to.deep.equal([
      0,
      "host-a  drained: Nothing is on the host any more: 0 moved.\n",
    ]);
    const lines = await table("operation list --project admin");
    expect(
      lines.filter((line) => / drain +host-a +(failed|done) /.test(line)),
      lines.join("\n"),
    ).to.have.length(2);
    expect(lines.filter((line) => / move +web +done +host-b /.test(line))).to.have.length(1);
  });

  it("drain complains of the host first, then of the reason", async () => {
    expect((await novact("host drain --wait")).err).to.match(/missing required argument 'host/i);
    const mute = await novact("host drain host-a --wait");
    expect([mute.exit, mute.err]).to.deep.equal([
      2,
      "error: Say why: other operators will read it.\nreason: usage (INVALID_ARGUMENT)\nnext: Add --reason TEXT.\n",
    ]);
  });

  it("enable, disable and drain take several hosts, tell of each in a line, and of errors last", async () => {
    await world.host("b");
    const off = await novact("host disable host-a host-b --reason test");
    expect(off.out).to.equal("host-a  disabled\nhost-b  disabled\n");
    const on = await novact("host enable host-a nosuch host-b");
    expect([on.exit, on.out]).to.deep.equal([3, "host-a  enabled\nhost-b  enabled\n"]);
    expect(on.err).to.contain("There is no host nosuch.");
    const both = await json("host drain host-a host-b --reason test --wait");
    expect(both.map(({ name }: { name: string }) => name)).to.deep.equal(["host-a", "host-b"]);
    expect(both[0].operation).to.include({ state: "done", kind: "drain" });
    expect((await json("host enable host-a")).enabled).to.equal(true);
    const id = await novact("host enable host-a host-b --request-id x");
    expect(id.err).to.contain("A request id belongs to one host.");
  });

  it("fence --wait shows the steps, and ends as the fence does", async () => {
    const { exit, err, out } = await fence("--confirm host-a --reason off --wait");
    expect(exit).to.equal(0);
    expect(err).to.match(/fenced {2}the operator admin confirmed that host-a is off: off/);
    expect(out).to.match(/^state +fenced$/m);
    await world.host("b");
    const none = await novact("host fence host-b --power --confirm host-b --wait");
    expect(none.err).to.contain("has no power controller in the configuration");
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
    expect(lines.at(-1)).to.equal("1 stays: Its recovery policy is wait: it stays with its host.");
    expect((await json("rebalance --dry-run")).moves).to.be.an("array");
  });
});
