/** What every noun's list is made of: pages, order, formats, columns, and following; on a memory bus. */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import type { Command } from "commander";
import { parse, parseAllDocuments } from "yaml";
import { buildProgram } from "../../../nodes/cli/program.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn, type Outcome, type RunOptions } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const listCommands = (): readonly Command[] =>
  buildProgram()
    .commands.filter((noun) => noun.name() !== "chaos")
    .flatMap((noun) => noun.commands.filter((verb) => verb.name() === "list"));

describe("cli: lists", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());

  const flavors = async (...names: readonly string[]) => {
    for (const [at, name] of names.entries())
      await world.admin.flavor.create({ name, vcpus: at + 1, memoryMib: 2 ** (10 - at), diskGib: 0 });
  };
  const create = (name: string, more = "") =>
    novact(`instance create ${name} --flavor tiny --image tiny --wait ${more}`);
  const lines = ({ out }: Outcome): readonly string[] => stripVTControlCharacters(out).trimEnd().split("\n");

  it("every noun's list has pages, columns and sorting, and says so in its help", () => {
    const commands = listCommands();
    expect(commands.map((list) => list.parent?.name())).to.include.members([
      ...["instance", "operation", "event", "flavor", "image", "group", "host", "aggregate"],
    ]);
    for (const list of commands) {
      const options = list.options.map(({ long }) => long);
      expect(options, list.parent?.name()).to.include.members(["--limit", "--marker", "--sort", "--columns"]);
    }
  });

  describe("pages", () => {
    it("of any size have every row once, by the marker of the page before", async () => {
      await flavors("a", "b", "c", "d");
      const all = JSON.parse((await novact("flavor list --json")).out).map(({ id }: { id: string }) => id);
      expect(all).to.have.length(5);
      for (const limit of [1, 2, 3, 5, 6]) {
        const seen: string[] = [];
        let marker = "";
        do {
          const page = JSON.parse((await novact(`flavor list --limit ${limit} -o json ${marker}`)).out);
          seen.push(...page.items.map(({ id }: { id: string }) => id));
          marker = page.nextMarker === undefined ? "" : `--marker ${page.nextMarker}`;
        } while (marker !== "");
        expect(seen, `pages of ${limit}`).to.deep.equal(all);
      }
    });

    it("people are told the command that goes on, and it does", async () => {
      await flavors("a", "b");
      const first = await novact("flavor list --limit 2 --sort name:desc --columns name");
      expect(first.out).to.equal("NAME\ntiny\na\n");
      const [, next = ""] =
        /^There may be more than these 2\. Next page: novact (.*)$/m.exec(first.err) ?? [];
      expect(next).to.match(/^flavor list --limit 2 --sort name:desc --columns name --marker \S{36}$/);
      const second = await novact(next);
      expect([second.out, second.err]).to.deep.equal(["NAME\nb\n", ""]);
      const third = await novact(next.replace("--limit 2", "--limit 1"));
      expect(third.err, "a page that ends with the list").to.match(/^$|Next page/);
    });

    it("with --json a list is the bare array, and the next page is one JSON value beside it", async () => {
      await flavors("a", "b");
      const { out, err } = await novact("flavor list --limit 1 --json");
      const [only, ...others] = JSON.parse(out);
      expect([only.name, others]).to.deep.equal(["tiny", []]);
      expect(JSON.parse(err)).to.deep.equal({
        nextMarker: only.id,
        next: `novact flavor list --limit 1 --json --marker ${only.id}`,
      });
    });

    it("the command that goes on can be typed here, global options in front as well", async () => {
      await flavors("a", "b");
      const { err } = await novact("--timeout 5s flavor list --limit 1", { command: "npx novact" });
      expect(err).to.contain("Next page: npx novact --timeout 5s flavor list --limit 1 --marker ");
    });

    it("words that a shell would take apart stand in quotes", async () => {
      await create("a", '--metadata "role=it\'s"');
      await create("b", '--metadata "role=it\'s"');
      const { err } = await novact('instance list --metadata "role=it\'s" --limit 1');
      expect(err).to.contain(`novact instance list --metadata 'role=it'\\''s' --limit 1 --marker `);
    });
  });

  describe("formats", () => {
    beforeEach(() => flavors("a", "b"));

    it("yaml and json have the same in them", async () => {
      const json = JSON.parse((await novact("flavor list -o json --limit 2")).out);
      expect(parse((await novact("flavor list -o yaml --limit 2")).out)).to.deep.equal(json);
      expect(json).to.have.all.keys("items", "nextMarker");
      const one = JSON.parse((await novact("flavor show a -o json")).out);
      expect(parse((await novact("flavor show a -o yaml")).out)).to.deep.equal(one);
      expect(one).to.include({ name: "a" });
    });

    it("name and id are a line each, for what is listed, shown and changed", async () => {
      expect((await novact("flavor list -o name")).out).to.equal("tiny\na\nb\n");
      expect((await novact("flavor list -o id")).out).to.match(/^(?:\S{36}\n){3}$/);
      expect((await novact("flavor show b -o name")).out).to.equal("b\n");
      expect((await create("web", "-o name")).out).to.equal("web\n");
      expect((await novact("instance stop web --hard -o name")).out).to.equal("web\n");
      expect((await novact("operation list -o name")).out).to.match(/^(?:\S{36}\n){2}$/);
    });

    it("jsonpath picks from the same", async () => {
      const picked = await novact('flavor list -o "jsonpath={range .items[*]}{.name}:{.vcpus} {end}"');
      expect(picked.out).to.equal("tiny:1 a:1 b:2 \n");
      expect((await novact("flavor show b -o jsonpath={.vcpus}")).out).to.equal("2\n");
    });

    it("wide has all columns, and cuts none", async () => {
      const narrow = lines(await novact("host list", { tty: true, columns: 60 }));
      expect(narrow[0]).not.to.contain("LABELS");
      const wide = lines(await novact("host list -o wide", { tty: true, columns: 60 }));
      expect(wide[0]).to.match(/NAME.*ZONE.*HEARD.*ID.*LABELS/);
      expect(wide[1]).not.to.contain("…");
    });

    it("an unknown one is refused with those that there are; two at once as well", async () => {
      const { exit, err } = await novact("flavor list -o xml");
      expect(exit).to.equal(2);
      expect(err).to.contain("Give one of table, wide, json, yaml, name, id, jsonpath=TEMPLATE.");
      expect((await novact("flavor list -o jsonpath={.a")).err).to.contain("A brace is not closed");
      expect((await novact("flavor list -o yaml --json")).err).to.contain("contradict each other");
      expect(JSON.parse((await novact("flavor show nope -o json")).err).error.reason).to.equal(
        "flavorNotFound",
      );
    });

    it("on a terminal no value steers it", async () => {
      await create("web", '--metadata "role=a\u200bb\u2060"');
      for (const format of ["json", "yaml", "jsonpath={.metadata}", "jsonpath={.metadata.role}"]) {
        const { out } = await novact(`instance show web -o ${format}`, { tty: true });
        expect(out, format).to.match(/a.+b/);
        expect(out.replaceAll("\n", ""), format).not.to.match(/[\p{Cc}\p{Cf}]/u);
      }
    });
  });

  describe("columns", () => {
    it("are those that were asked for, in that order", async () => {
      expect((await novact("host list --columns zone,name,state")).out).to.equal(
        "ZONE  NAME    STATE\nnova  host-a  up\n",
      );
      expect((await novact("host list --columns lable")).err).to.match(
        /Allowed choices are name, state, .*labels/,
      );
      expect((await novact("host list --columns name -o json")).err).to.contain("is for tables");
    });

    it("sort by what they mean, not by how it is written", async () => {
      await flavors("a", "b", "c", "d", "e");
      const sorted = async (by: string) =>
        (await novact(`flavor list --sort ${by} --columns memory`)).out.trimEnd().split("\n").slice(1);
      expect(await sorted("memory")).to.deep.equal([
        "64 MiB",
        "128 MiB",
        "128 MiB",
        "256 MiB",
        "512 MiB",
        "1 GiB",
      ]);
      expect(await sorted("memory:desc")).to.deep.equal((await sorted("memory")).toReversed());
      expect((await novact("flavor list --sort size")).err).to.match(/Allowed choices are id, name/);
      const json = JSON.parse((await novact("flavor list --sort vcpus:desc --json")).out);
      expect(json.map(({ vcpus }: { vcpus: number }) => vcpus)).to.deep.equal([5, 4, 3, 2, 1, 1]);
    });

    it("of a long name leave the row short, also in a pipe, and there they all stay", async () => {
      await create("n".repeat(255));
      await create("short");
      const [head = "", long = "", short = ""] = lines(await novact("instance list"));
      expect(head).to.match(/^ID +NAME +STATE +HOST +FLAVOR +ADDRESS +AGE$/);
      expect(long.length).to.be.at.most(200);
      expect(long).to.match(/n… {2}running/);
      expect(short).to.match(/^\S{36} {2}short +running/);
      expect(lines(await novact("instance list -o wide"))[1]).to.contain("n".repeat(255));
      for (const line of lines(await novact("operation list"))) expect(line.length).to.be.at.most(200);
    });
  });

  describe("order", () => {
    it("of operations and events is the newest first, of others the oldest; both can be turned", async () => {
      await create("a");
      await create("b");
      const names = async (line: string) =>
        JSON.parse((await novact(`${line} --json`)).out).map(
          (row: { name?: string; instanceName?: string }) => row.name ?? row.instanceName,
        );
      expect(await names("instance list")).to.deep.equal(["a", "b"]);
      expect(await names("instance list --newest")).to.deep.equal(["b", "a"]);
      expect(await names("instance list --newest --limit 1")).to.deep.equal(["b"]);
      expect(await names("operation list")).to.deep.equal(["b", "a"]);
      expect(await names("operation list --oldest --limit 1")).to.deep.equal(["a"]);
      const sequences = async (line: string): Promise<number[]> =>
        JSON.parse((await novact(`${line} --json`)).out).map(
          ({ sequence }: { sequence: number }) => sequence,
        );
      const newest = await sequences("event list");
      expect(newest).to.deep.equal(newest.toSorted((one, other) => other - one));
      expect(await sequences("event list --oldest --limit all")).to.deep.equal(newest.toReversed());
      expect((await novact("event list --oldest --newest")).err).to.contain("contradict each other");
    });

    it("of events has every event once, page by page, from either end", async () => {
      await create("a");
      await create("b");
      const all = JSON.parse((await novact("event list --limit all -o json")).out).items;
      for (const end of ["--newest", "--oldest"]) {
        const seen: number[] = [];
        let marker = "";
        do {
          const page = JSON.parse((await novact(`event list ${end} --limit 3 -o json ${marker}`)).out);
          seen.push(...page.items.map(({ sequence }: { sequence: number }) => sequence));
          marker = page.nextMarker === undefined ? "" : `--marker ${page.nextMarker}`;
        } while (marker !== "");
        const wanted = all.map(({ sequence }: { sequence: number }) => sequence);
        expect(seen, end).to.deep.equal(end === "--newest" ? wanted : wanted.toReversed());
      }
    });
  });

  describe("--watch", () => {
    /** Runs until `enough` says so, then Ctrl-C. */
    async function watched(line: string, enough: (out: string) => boolean, options: RunOptions = {}) {
      const stop = new AbortController();
      let out = "";
      let seen: () => void = () => undefined;
      const running = novact(line, {
        ...options,
        signal: stop.signal,
        onOut: (text) => {
          out += text;
          seen();
        },
      });
      const ended = running.then((outcome) => {
        if (!stop.signal.aborted) throw new Error(`It has ended: ${JSON.stringify(outcome)}`);
      });
      const until = (wanted: (text: string) => boolean) => {
        const found = new Promise<void>((resolve) => {
          seen = () => {
            if (wanted(out)) resolve();
          };
          seen();
        });
        return Promise.race([found, ended]);
      };
      return {
        until,
        end: async (): Promise<Outcome> => {
          await until(enough);
          stop.abort(new Error("Interrupted."));
          return running;
        },
      };
    }

    it("prints in a pipe what is there, then what is new, changed and gone", async () => {
      await create("a");
      const watching = await watched("instance list --watch --columns name,state", (out) =>
        out.includes("gone"),
      );
      await watching.until((out) => out.includes("listed"));
      await create("b");
      await watching.until((out) => /added +b/.test(out));
      await novact("instance stop b --hard --wait");
      await watching.until((out) => /changed +b +stopped/.test(out));
      await novact("instance delete a --wait");
      const { exit, out } = await watching.end();
      expect(exit).to.equal(130);
      const [head, first, ...rest] = out.trimEnd().split("\n");
      expect(head).to.equal("CHANGE   NAME  STATE");
      expect(first).to.equal("listed   a     running");
      expect(rest.at(-1)).to.match(/^gone +a +\S+$/);
      expect(out.split("CHANGE"), "titles stand there once").to.have.length(2);
    });

    it("as JSON each change is a line", async () => {
      await create("a");
      const watching = await watched("instance list --watch -o json", (out) => out.includes('"gone"'));
      await watching.until((out) => out.includes("listed"));
      await novact("instance delete a --wait");
      const { out } = await watching.end();
      const changes = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(changes[0]).to.include({ change: "listed" });
      expect(changes.at(-1).change).to.equal("gone");
      expect(changes.every(({ item }) => item.name === "a")).to.equal(true);
    });

    it("as YAML each change is a document", async () => {
      await create("a");
      const watching = await watched("instance list --watch -o yaml", (out) => out.includes("name: a"));
      const { out } = await watching.end();
      expect(parseAllDocuments(out).map((document) => document.toJS().change)).to.deep.equal(["listed"]);
    });

    it("draws on a terminal one table over the other, and leaves the terminal as it was", async () => {
      await create("a");
      const watching = await watched("instance list --watch", (out) => / b +running/.test(out), {
        tty: true,
        env: { NO_COLOR: "1" },
      });
      await watching.until((out) => out.includes("Ctrl-C ends"));
      await create("b");
      const { exit, out } = await watching.end();
      expect(exit).to.equal(130);
      // Three lines up: titles, the row, and the line below.
      expect(out).to.contain("\u001b[3A\r\u001b[J");
      const off = out.split("\u001b[?7l").length;
      expect(out.split("\u001b[?7h")).to.have.length(off);
      expect(out.split("\u001b[?"), "no other mode is set").to.have.length(2 * off - 1);
      expect(out.endsWith("\u001b[?7h")).to.equal(true);
    });

    it("ages that pass are no change", async () => {
      await create("a");
      await create("b");
      let reads = 0;
      const counting = {
        ...world.bus,
        request: (...given: Parameters<typeof world.bus.request>) => {
          if (given[0].endsWith(".instance.list")) reads += 1;
          return world.bus.request(...given);
        },
      };
      const stop = new AbortController();
      let minutes = 0;
      const running = commandOn(connectOn(counting, "test").connect)("instance list --watch", {
        signal: stop.signal,
        // Between two looks at the clock an hour passes.
        nowMs: () => Date.now() + 3_600_000 * minutes++,
      });
      // Each event of b makes it read again; the row of a stays as it is.
      for (let turn = 0; reads < 3; turn += 1)
        await novact(`instance ${turn % 2 === 0 ? "stop --hard" : "start"} b --wait`);
      stop.abort(new Error("Interrupted."));
      const { out } = await running;
      expect(minutes).to.be.greaterThan(2);
      expect(out.match(/ a +running/g), "printed once").to.have.length(1);
    });
  });
});
