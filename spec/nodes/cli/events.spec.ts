/** Events as people read them: what they are of, aligned, the same in a list and as they happen. */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn, type RunOptions } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("cli: events", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());
  const make = (name: string) =>
    world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait: true });
  const lines = async (line: string, options: RunOptions = { tty: true }): Promise<readonly string[]> => {
    const all = stripVTControlCharacters((await novact(line, options)).out)
      .trimEnd()
      .split("\n");
    for (const one of all) expect(one.length, one).to.be.at.most(options.tty === true ? 100 : 200);
    return all;
  };

  it("of a tenant name the instance in 100 columns, and line up", async () => {
    await make("web");
    const [head = "", ...rows] = await lines("event list");
    expect(head).to.match(/^SEQUENCE +TIME +EVENT +NAME +WHAT$/);
    expect(rows).to.have.length(3);
    const at = head.indexOf("NAME");
    for (const row of rows) expect(row.slice(at), row).to.match(/^web +\S/);
    expect(rows.join("\n")).to.match(/instance\.stateChanged +web +building → running/);
  });

  it("of what is gone have the end of its id, and of nouns whose events say it their name", async () => {
    await make("web");
    const gone = await world.admin.flavor.create({ name: "gone", vcpus: 1, memoryMib: 64, diskGib: 0 });
    await world.admin.flavor.delete("gone", {});
    const rows = await lines("event list --project admin");
    expect(rows.filter((row) => /flavor\.(?:created|deleted) +gone/.test(row))).to.have.length(2);
    expect(rows.some((row) => /host\.registered +host-a\b/.test(row))).to.equal(true);
    expect(rows.some((row) => /image\.registered +tiny\b/.test(row))).to.equal(true);
    const wide = (await novact("event list --project admin -o wide --noun flavor")).out;
    expect(wide)
      .to.contain(gone.flavor.id)
      .and.to.match(/PROJECT.*ID.*WHAT.*REQUEST/);
  });

  it("are the same line in a list and as they happen", async () => {
    await make("a-name-that-is-longer-than-its-column");
    await make("web");
    const stop = new AbortController();
    let out = "";
    const onOut = (text: string) => {
      out += text;
      if (out.match(/running/g)?.length === 2) stop.abort(new Error("Interrupted."));
    };
    const { exit } = await novact("event watch --after 0", { signal: stop.signal, onOut });
    expect(exit).to.equal(130);
    const [head = "", ...watched] = out.trimEnd().split("\n");
    const [listedHead = "", ...listed] = await lines("event list --oldest", {});
    const words = (line: string) => line.trim().split(/ {2,}/);
    expect(words(head)).to.deep.equal(words(listedHead));
    const web = (all: readonly string[]) => all.filter((line) => / web /.test(line)).map(words);
    expect(web(watched)).to.deep.equal(web(listed));
    const at = head.indexOf("WHAT");
    for (const line of watched) expect(line.slice(at - 2, at), line).to.equal("  ");
  });

  it("of one instance tell its life from the beginning; with --follow they go on", async () => {
    await make("web");
    const [head = "", first = ""] = await lines("instance events web");
    expect(head).to.match(/^SEQUENCE +TIME +EVENT +WHAT$/);
    expect(first).to.match(/instance\.accepted +create, name web/);
    const stop = new AbortController();
    let out = "";
    const onOut = (text: string) => {
      out += text;
      if (out.includes("stopping → stopped")) stop.abort(new Error("Interrupted."));
    };
    const following = novact("instance events web --follow", { tty: true, signal: stop.signal, onOut });
    await world.demo.instance.stop((await world.demo.instance.list({})).instances[0]?.id ?? "", {
      mode: "hard",
    });
    expect((await following).exit).to.equal(130);
    const all = stripVTControlCharacters(out).trimEnd().split("\n");
    expect(all[0]).to.match(/^SEQUENCE +TIME +EVENT +WHAT$/);
    for (const line of all) expect(line.length, line).to.be.at.most(100);
  });

  it("say the names themselves: of no instance is anything asked", async () => {
    for (const name of ["a", "b", "c"]) await make(name);
    const asked: string[] = [];
    const request: typeof world.bus.request = async (subject, ...rest) => {
      asked.push(subject.replace(/^.*\.(\w+\.\w+)$/, "$1"));
      return world.bus.request(subject, ...rest);
    };
    const counted = commandOn(connectOn({ ...world.bus, request }, "test").connect);
    const { out } = await counted("event list --event stateChanged");
    expect(out).to.match(/ c .*building[\s\S]* b .*building[\s\S]* a .*building/);
    expect(asked).to.deep.equal(["event.list"]);
  });

  it("are chosen by noun, event and time", async () => {
    await make("web");
    const names = async (filter: string): Promise<string[]> =>
      JSON.parse((await novact(`event list --project admin --json ${filter}`)).out).map(
        ({ noun, event }: { noun: string; event: string }) => `${noun}.${event}`,
      );
    expect(await names("--noun flavor,image")).to.have.members(["flavor.created", "image.registered"]);
    expect(await names("--noun instance --event stateChanged")).to.deep.equal(["instance.stateChanged"]);
    expect(await names("--since 1h")).to.have.length(await names("").then(({ length }) => length));
    expect(await names("--since 2100-01-01")).to.deep.equal([]);
    expect((await novact("event list --noun hosts")).err).to.contain("Allowed choices are instance, host");
    expect((await novact("event list --since soon")).err).to.contain("Give a time such as 30m");
  });

  it("that a project may not see are said to be that", async () => {
    const { err } = await novact("event list --noun host");
    expect(err).to.equal("There are none that this project may see.\n");
  });
});
