/** Names beside ids: looked up in few requests, each once; what has none keeps the end of its id. */
import { expect } from "chai";
import { Names, shortId } from "../../../nodes/cli/lists/names.ts";
import { Run } from "../../../nodes/cli/run.ts";
import type { Terminal } from "../../../nodes/cli/terminal.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { connectOn, nowhere } from "./cli-world.ts";

const terminal: Terminal = {
  out: { write: () => undefined },
  err: { write: () => undefined },
  env: {},
  command: "novact",
  nowMs: () => 0,
  signal: new AbortController().signal,
  ask: async () => undefined,
};

describe("cli: names", () => {
  it("of instances are a request for each hundred ids, and none for those that are known", async () => {
    const world = await controllerWorld();
    await world.host("a");
    const request = { name: "web", flavor: "tiny", image: "tiny" };
    const { instance } = await world.demo.instance.create(request);
    const asked: string[] = [];
    const counted: typeof world.bus.request = async (subject, ...rest) => {
      asked.push(subject.replace(/^.*\.(\w+\.\w+)$/, "$1"));
      return world.bus.request(subject, ...rest);
    };
    const session = await connectOn({ ...world.bus, request: counted }, "test").connect({});
    const names = new Names(new Run(terminal, nowhere, {}), session);
    const strangers = Array.from(
      { length: 249 },
      (_, at) => `01a20479-7445-7576-9e5f-${String(at).padStart(12, "0")}`,
    );
    const things = [instance.id, ...strangers].map((id) => ({ noun: "instance", id }));
    await names.lookUp(things);
    await names.lookUp(things);
    expect(asked).to.deep.equal(["instance.list", "instance.list", "instance.list"]);
    expect(names.shown({ noun: "instance", id: instance.id })).to.equal("web");
    expect(names.shown({ noun: "instance", id: strangers[7] ?? "" })).to.equal("…000000000007");
    await world.stop();
  });

  it("of rows are asked for by their noun, and those of other nouns not at all", async () => {
    const world = await controllerWorld();
    const { flavor } = await world.admin.flavor.get("tiny", {});
    const session = await connectOn(world.bus, "test").connect({ project: "admin" });
    const names = new Names(new Run(terminal, nowhere, {}), session);
    const things = [
      { noun: "flavor", id: flavor.id },
      { noun: "flavor", id: "gone" },
      { noun: "constructor", id: "x" },
    ];
    await names.lookUp(things);
    expect(things.map((thing) => names.shown(thing))).to.deep.equal(["tiny", "gone", "x"]);
    expect(shortId("demo"), "no UUID").to.equal("demo");
    await world.stop();
  });
});
