/** The CLI against a controller on a memory bus: every noun, as text and as JSON, and the exit codes. */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { StatusError } from "../../../protocol/wire/status.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn, type RunOptions } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("novact on a cluster", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  let open: { connections: number };
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    const connection = connectOn(world.bus, "test");
    open = connection.open;
    novact = commandOn(connection.connect);
  });
  afterEach(async () => {
    await world.stop();
    expect(open.connections, "connections left open").to.equal(0);
  });
  const json = async (line: string, options?: RunOptions) =>
    JSON.parse((await novact(`${line} --json`, options)).out);
  const create = (name = "web", more = "--wait") =>
    novact(`instance create ${name} --flavor tiny --image tiny ${more}`);

  describe("instance", () => {
    it("create --wait shows the steps with their times, then what it is", async () => {
      const { exit, out, err } = await create();
      expect(exit).to.equal(0);
      expect(err)
        .to.match(/^web +\+0 ms {2}accepted$/m)
        .and.to.match(/placed {2}host-a$/m)
        .and.to.match(/done$/m);
      expect(out).to.match(/^\S{36} {2}web {2}running on host-a\n$/);
    });

    it("create without --wait names the operation", async () => {
      const { out } = await create("web", "");
      expect(out).to.match(/create under way: operation \S{36}\n$/);
    });

    it("create --json is one value, as the API answers it", async () => {
      const changed = await json("instance create web --flavor tiny --image tiny --wait");
      expect(changed.instance).to.include({ name: "web", state: "running" });
      expect(changed.operation).to.include({ kind: "create", state: "done" });
      const many = await json("instance create web --flavor tiny --image tiny --count 2");
      expect(many.map(({ instance }: { instance: { name: string } }) => instance.name)).to.deep.equal([
        "web-1",
        "web-2",
      ]);
    });

    it("the same request id makes one instance and gives the same answer", async () => {
      const first = await json("instance create web --flavor tiny --image tiny --request-id r1");
      const second = await json("instance create web --flavor tiny --image tiny --request-id r1");
      expect(second).to.deep.equal(first);
      expect(await json("instance list")).to.have.length(1);
    });

    it("list and show fit a table of 100 columns", async () => {
      await create();
      const { out } = await novact("instance list", { tty: true });
      const [head, row] = stripVTControlCharacters(out).trimEnd().split("\n");
      expect(head).to.match(/^ID +NAME +STATE +HOST +FLAVOR +ADDRESS +AGE$/);
      expect(row).to.match(/^\S{36} {2}web +running +host-a +tiny +- +\d+s$/);
      expect((await novact("instance show web")).out)
        .to.match(/^state +running$/m)
        .and.to.match(/^flavor +tiny: 1 vCPU, 128 MiB/m);
    });

    it("an empty list is an empty array, and for people a remark beside stdout", async () => {
      expect(await json("instance list")).to.deep.equal([]);
      expect(await novact("instance list")).to.deep.equal({ exit: 0, out: "", err: "There are none.\n" });
    });

    it("list filters by name, state, host and metadata", async () => {
      await create("web", "--wait --metadata role=front");
      await create("db");
      const names = async (filter: string) =>
        (await json(`instance list ${filter}`)).map(({ name }: { name: string }) => name);
      expect(await names("--name db")).to.deep.equal(["db"]);
      expect(await names("--metadata role=front")).to.deep.equal(["web"]);
      expect(await names("--host host-a")).to.have.length(2);
      expect(await names("--state stopped")).to.deep.equal([]);
      expect((await novact("instance list --limit 1")).err).to.match(/more than these 1/);
    });

    it("stop, start, pause, unpause, reboot and delete take names, and several at once", async () => {
      await create("a");
      await create("b");
      const states = async (line: string) =>
        (await json(`${line} --wait`)).map(({ instance }: { instance: { state: string } }) => instance.state);
      expect(await states("instance stop a b --hard")).to.deep.equal(["stopped", "stopped"]);
      expect(await states("instance start a b")).to.deep.equal(["running", "running"]);
      expect(await states("instance pause a b")).to.deep.equal(["paused", "paused"]);
      expect(await states("instance unpause a b")).to.deep.equal(["running", "running"]);
      expect(await states("instance reboot a b --hard")).to.deep.equal(["running", "running"]);
      expect((await json("instance delete a --wait")).instance.state).to.equal("deleted");
      expect((await novact("instance delete b --wait")).out).to.match(/ b {2}deleted\n$/);
      expect(await json("instance list")).to.deep.equal([]);
      expect(await json("instance list --deleted")).to.have.length(2);
    });

    it("of several, those that can are done; the exit code is that of the first that cannot", async () => {
      await create("a");
      const { exit, out, err } = await novact("instance stop a ghost");
      expect(exit).to.equal(3);
      expect(out).to.match(/ a {2}/);
      expect(err).to.match(/^error: ghost: There is no instance ghost\.$/m);
    });

    it("a name that nothing has is answered with those that begin like it", async () => {
      for (const name of ["web-1", "web-2", "web-3", "web-4", "we*b", "db"]) await create(name);
      const { exit, err } = await novact("instance delete web");
      expect(exit).to.equal(3);
      expect(err).to.contain("next: Did you mean web-1, web-2, web-3, …? Several at once: --name 'web*'");
      expect((await novact("instance show we*")).err).to.contain("Did you mean we*b? ");
      expect((await novact("instance show ghost")).err).not.to.contain("Did you mean");
    });

    it("an ambiguous name is refused with the ids it could mean", async () => {
      await create("web");
      await create("web");
      const { exit, err } = await novact("instance stop web");
      const ids = (await json("instance list")).map(({ id }: { id: string }) => id);
      expect(exit).to.equal(2);
      for (const id of ids) expect(err).to.contain(id);
      expect(err).to.match(/next: Name the one that is meant by its id/);
      expect((await novact(`instance stop ${ids[0]}`)).exit).to.equal(0);
    });

    it("events tell its life in order; explain says that it waits for nothing", async () => {
      await create();
      const { out } = await novact("instance events web");
      expect(out).to.match(/instance\.accepted[\s\S]*instance\.operationEnded[\s\S]*building → running/);
      const explained = await novact("instance explain web");
      expect(explained.exit).to.equal(0);
      expect(explained.out)
        .to.match(/host-a +yes/)
        .and.to.match(/create done: accepted, /);
    });

    it("console prints the log", async () => {
      await create();
      expect((await novact("instance console web")).out).to.equal("hello");
      expect(await json("instance console web --tail 5")).to.deep.equal({
        text: "hello",
        offset: 0,
        nextOffset: 5,
      });
    });
  });

  it("flavors and images are listed, shown, made and deleted, by name", async () => {
    expect((await novact("flavor create large --vcpus 4 --memory 2G --disk 10G")).out).to.match(
      /^memory +2 GiB$/m,
    );
    expect((await novact("flavor list")).out).to.match(/large +4 +2 GiB +10 GiB$/m);
    expect((await json("flavor show large")).diskGib).to.equal(10);
    expect((await novact("flavor delete large")).out).to.match(/large {2}deleted/);
    expect((await novact("flavor show large")).exit).to.equal(3);
    expect((await novact("image register disk --disk x.qcow2 --memory-min 64M")).exit).to.equal(0);
    expect((await novact("image list")).out).to.match(/disk +active +public +qcow2 +[0-9]+ B +admin$/m);
    expect((await novact("image show disk")).out).to.match(/^memory, at least +64 MiB$/m);
    const gpu = "image register gpu --disk x.qcow2 --property trait:CUSTOM_GPU=required";
    expect((await novact(gpu)).out).to.match(/^properties +trait:CUSTOM_GPU=required$/m);
    expect((await novact("image delete disk --project admin")).exit).to.equal(0);
  });

  it("hosts are listed, disabled with a reason, and enabled again", async () => {
    await create();
    expect((await novact("host list")).out).to.match(
      /host-a +up +1 \/ 16 +128 MiB \/ 16 GiB +0 \/ 100 GiB +1 +held +fake\/none/,
    );
    expect((await novact('host disable host-a --reason "new disk"')).out).to.equal("host-a  disabled\n");
    expect((await novact("host show host-a")).out).to.match(/disabled because +new disk/);
    expect((await novact("host list")).out).to.match(/host-a +disabled/);
    const { exit, err } = await create("two");
    expect(exit).to.equal(5);
    expect(err)
      .to.match(/host-a: the host is disabled$/m)
      .and.to.match(/reason: noValidHost \(RESOURCE_EXHAUSTED\)/);
    expect((await json("host enable host-a")).enabled).to.equal(true);
  });

  it("operations are listed with the names of their instances, and shown with their steps", async () => {
    await create();
    const [operation] = await json("operation list --instance web");
    expect((await novact("operation list")).out).to.match(/create +web +done +host-a +done +\d+ ms/);
    const { out, exit } = await novact(`operation show ${operation.id} --wait`);
    expect(exit).to.equal(0);
    expect(out)
      .to.match(/^ {2}placed +\d+ ms +host-a$/m)
      .and.to.match(new RegExp(`^instance +web \\(${operation.instanceId}\\)$`, "m"));
  });

  it("events are listed newest first, after a number, and watched", async () => {
    await create();
    const all = await json("event list --after 0");
    expect((await json("event list --limit 2"))[0].sequence).to.equal(all.at(-1).sequence);
    const seen: string[] = [];
    const stop = new AbortController();
    const onOut = (text: string) => {
      seen.push(text);
      if (text.includes('"deleted"')) stop.abort(new Error("Interrupted."));
    };
    const watching = novact(`event watch --json --after ${all.at(-1).sequence}`, {
      signal: stop.signal,
      onOut,
    });
    await novact("instance delete web --wait");
    expect((await watching).exit).to.equal(130);
    const events = seen.map((line) => JSON.parse(line));
    expect(events.map(({ sequence }) => sequence)).to.deep.equal(
      events.map((_, index) => events[0].sequence + index),
    );
  });

  it("doctor finds nothing in a healthy cluster, and says what it compared", async () => {
    await create();
    const { exit, out } = await novact("doctor");
    expect(out).to.match(/^No findings\.\nCompared: 1 host, 1 host asked, 1 instance, /);
    for (const line of out.split("\n")) expect(line.length, line).to.be.at.most(100);
    expect(exit).to.equal(0);
  });

  it("doctor names every finding with what to do, and exits with 10", async () => {
    const host = await world.host("b");
    host.machines.set("stray-1", { ...strayMachine });
    const { exit, out } = await novact("doctor");
    expect(out).to.match(
      /^leak {2}machine stray-1: It is running on host host-b, but no instance with this id is remembered\./m,
    );
    expect(out).to.match(/next: .*\nFindings: 1\.\nCompared/);
    expect(exit).to.equal(10);
  });

  it("debug shows the loops of both halves of every controller, in 100 columns, and who was asked", async () => {
    await create();
    const { exit, out, err } = await novact("debug", { tty: true, columns: 100 });
    const lines = stripVTControlCharacters(out).split("\n");
    for (const line of lines) expect(line.length, line).to.be.at.most(100);
    const text = lines.join("\n");
    expect(text).to.match(/^controller-1: actors, which serve commands, up for /m);
    expect(text).to.match(/^controller-1: safety channel, which hears the hosts, up for /m);
    expect(text).to.match(/^LOOP +STATE +LAST +TOOK +NOW +RESTARTS +HANGING +DID$/m);
    expect(text).to.match(/^directory +(?:ok|running) +\S.* ago +.* hosts read/m);
    expect(text).to.match(/^scheduler +scheduler +up +\d+ +0$/m);
    expect(text).to.match(/^instances in memory: 1, leaving: 0; messages that wait for them: \d+$/m);
    expect(stripVTControlCharacters(err)).to.match(/^Asked by controller-1: 2 halves answered\.$/m);
    expect(exit).to.equal(0);
    const { halves } = await json("debug");
    expect(halves.map(({ half }: { half: string }) => half)).to.deep.equal(["actors", "safety"]);
  });

  it("completes the names of what there is", async () => {
    await create("web");
    const candidates = async (line: string) => (await novact(`__complete ${line}`)).out.trimEnd().split("\n");
    expect(await candidates('instance stop ""')).to.deep.equal(["web"]);
    expect(await candidates("instance create x --flavor t")).to.deep.equal(["tiny"]);
    expect(await candidates('host disable ""')).to.deep.equal(["host-a"]);
    expect(await candidates('flavor delete other ""')).to.deep.equal(["tiny"]);
    expect(await candidates("instance delete --name w")).to.deep.equal(["web"]);
    expect(await candidates("instance create x --same-host w")).to.deep.equal(["web"]);
    const [operation] = await json("operation list");
    expect(await candidates("operation show 0")).to.deep.equal([operation.id]);
  });

  describe("errors", () => {
    it("say what, why and what next, and exit by their code", async () => {
      const cases: readonly [string, number, RegExp][] = [
        ["instance show ghost", 3, /no instance ghost\.\n.*instanceNotFound \(NOT_FOUND\)\nnext: /],
        [
          "instance create x --flavor ghost --image tiny",
          2,
          /unknownFlavor \(INVALID_ARGUMENT\)\nnext: .*flavor list/,
        ],
        [
          "flavor create tiny --vcpus 1 --memory 64M",
          4,
          /another flavor called tiny\.\n.*nameTaken \(ALREADY_EXISTS\)/,
        ],
        ["operation show nope", 3, /operationNotFound/],
        ["host show ghost", 3, /hostNotFound/],
        ['instance create x --flavor "a b" --image tiny', 2, /flavor/],
      ];
      for (const [line, exit, message] of cases) {
        const outcome = await novact(line);
        expect(outcome.exit, line).to.equal(exit);
        expect(outcome.err, line)
          .to.match(message)
          .and.to.match(/^error: .*\n/);
        expect(outcome.out, line).to.equal("");
      }
    });

    it("a state that forbids it is a conflict", async () => {
      await create();
      await novact("instance stop web --hard --wait");
      expect(await novact("instance pause web")).to.include({ exit: 4, out: "" });
    });

    it("with --json the error is one JSON value on stderr", async () => {
      const { err, out } = await novact("instance show ghost --json");
      expect(JSON.parse(err).error).to.include({ code: "NOT_FOUND", reason: "instanceNotFound" });
      expect(out).to.equal("");
    });

    it("a change that nobody answered says how to repeat it safely", async () => {
      const request = async () => {
        throw new StatusError("timeout", "Nobody answered.");
      };
      const lost = commandOn(connectOn({ ...world.bus, request }, "test").connect);
      const { exit, err } = await lost("instance stop 01a20479-7445-7576-9e5f-23b9bc0d089c --timeout 200ms");
      expect(exit).to.equal(7);
      expect(err).to.match(/safe: novact instance stop 01a20479-\S+ --request-id \S{36}\n$/);
      expect((await lost("instance list --timeout 200ms")).err).to.match(/next: Try again, with a longer/);
    });

    it("one request id for several instances is refused", async () => {
      expect(await novact("instance stop a b --request-id r1")).to.include({ exit: 2, out: "" });
    });

    it("a wait that takes too long says how to go on, and exits with 7", async () => {
      const silent = await world.host("b");
      for (const host of [silent]) host.silent = true;
      await novact('host disable host-a --reason "for the test"');
      const { exit, err } = await novact(
        "instance create web --flavor tiny --image tiny --wait --timeout 300ms",
      );
      expect(err)
        .to.match(/still under way/)
        .and.to.match(/next: Go on waiting: novact operation show \S+ --wait/);
      expect(exit).to.equal(7);
    });

    it("Ctrl-C ends a wait at once with 130 and without a stack", async () => {
      const silent = await world.host("b");
      silent.silent = true;
      await novact('host disable host-a --reason "for the test"');
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error("Interrupted.")), 50);
      const { exit, err } = await novact("instance create web --flavor tiny --image tiny --wait", {
        signal: stop.signal,
      });
      expect(exit).to.equal(130);
      expect(err).not.to.match(/error|at /);
    });
  });
});

const strayMachine = {
  instanceId: "stray-1",
  ownerEpoch: 1,
  generation: 1,
  intentGeneration: 1,
  resetCount: 0,
  state: "running",
  reason: "requested",
  message: "",
  address: null,
  startedAtMs: null,
  atMs: 1,
} as const;
