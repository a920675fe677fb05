/** The world in memory for handlers of plug-ins: what it says of them is what a cluster would say. */
import { expect } from "chai";
import { StatusError } from "../../protocol/wire/status.ts";
import { extensionWorld } from "./extension-world.ts";
import { toyExtensions, toyPlugin } from "./toy-services.ts";

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (value) => `it answered ${JSON.stringify(value)}`,
    (thrown: unknown) => (thrown instanceof StatusError ? thrown.reason : String(thrown)),
  );

describe("a world for the handlers of a plug-in", () => {
  const web = { id: "i-1", name: "web", state: "running" } as const;

  it("keeps rows, answers a repeated request as before, and tells all events", async () => {
    const world = extensionWorld(toyExtensions);
    const red = { name: "one", color: "red" };
    const made = await world.call("signal-flag.create", red, { requestId: "r" });
    expect(await world.call("signal-flag.create", red, { requestId: "r" })).to.deep.equal(made);
    await world.call("signal-flag.hoist", { raised: true }, { id: "one" });
    expect(await world.call("signal-flag.colors", {})).to.deep.equal({ red: 1, blue: 0 });
    const told = (await world.events()).map(({ noun, event }) => `${noun} ${event}`);
    expect(told).to.deep.equal(["signal-flag created", "signal-flag changed"]);
  });

  it("refuses what a cluster refuses: strangers, wrong requests, a full quota, methods for operators", async () => {
    const world = extensionWorld(toyExtensions, { hosts: [{ id: "h1", name: "node-1" }] });
    await world.call("signal-flag.create", { name: "one", color: "red" });
    const asOther = { id: "one", project: "other" };
    expect(await reasonOf(world.call("signal-flag.get", {}, asOther))).to.equal("notFound");
    expect(await reasonOf(world.call("signal-flag.create", { name: "x", color: "green" }))).to.equal(
      "schemaMismatch",
    );
    for (const name of ["two", "three"]) await world.call("signal-flag.create", { name, color: "red" });
    expect(await reasonOf(world.call("signal-flag.create", { name: "four", color: "red" }))).to.equal(
      "quotaExceeded",
    );
    const hours = { name: "w", host: "node-1", fromMs: 1, toMs: 2 };
    expect(await reasonOf(world.call("maintenance-window.create", hours))).to.equal("adminOnly");
    expect(await reasonOf(world.call("maintenance-window.mend", {}))).to.equal("unknownMethod");
    expect(await reasonOf(world.call("chair.list", {}))).to.equal("unknownMethod");
  });

  it("notes the commands of an action, with the same request id when it is repeated", async () => {
    const world = extensionWorld(toyExtensions, { instances: [web] });
    const mark = () =>
      world.call("guest-care.mark", { words: "mind me" }, { id: "web", requestId: "mark-1" });
    expect(await mark()).to.deep.equal({ name: "web", notes: 1 });
    expect(await mark()).to.deep.equal({ name: "web", notes: 1 });
    const [first, ...more] = world.commands;
    expect(first).to.include({ method: "instance.set", id: "i-1", project: "demo" });
    expect(more.map(({ requestId }) => requestId)).to.deep.equal([]);
    expect(await reasonOf(world.call("guest-care.look", {}, { id: "web", project: "other" }))).to.equal(
      "instanceNotFound",
    );
  });

  it("names the plug-in where a handler fails, and takes no answer that no client would take", async () => {
    const world = extensionWorld(toyExtensions, { instances: [web] });
    const spoil = (how: string) => reasonOf(world.call("guest-care.spoil", { how }, { id: "web" }));
    expect(await spoil("throw")).to.equal("internal");
    expect(await spoil("refuse")).to.equal("acme.tooHot");
    const [service] = toyExtensions.parts.services ?? [];
    if (service === undefined) throw new Error("The plug-in has no service.");
    const lying = { ...service, handlers: () => ({ colors: async () => ({ red: "many" }) }) };
    const liar = extensionWorld({ name: "acme", parts: { ...toyExtensions.parts, services: [lying] } });
    expect(await reasonOf(liar.call("signal-flag.colors", {}))).to.contain("has answered what it must not");
  });

  it("makes facts of the rows at the time of its clock", async () => {
    const world = extensionWorld(toyPlugin, { hosts: [{ id: "h1", name: "node-1" }] });
    const [fromMs, toMs] = [0, world.clock.nowMs() + 1_000];
    const hours = { name: "w", host: "node-1", fromMs, toMs };
    await world.call("maintenance-window.create", hours, { project: "admin" });
    expect(await world.facts()).to.deep.equal({ h1: { fromMs, toMs } });
    await world.clock.advance(2_000);
    expect(await world.facts()).to.deep.equal({});
  });
});
