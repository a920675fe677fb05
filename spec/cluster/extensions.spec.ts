/** What a plug-in adds to the API, from outside: rights, rows, limits, actions, and what it may not do. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import { efforts, type Filter } from "../../actors/control/scheduler/filters/filter.ts";
import { rawMethods } from "../../protocol/raw-rows.ts";
import { resource } from "../../protocol/wire/resource.ts";
import { service } from "../../protocol/wire/service.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { flag } from "../support/toy-extension.ts";
import {
  careService,
  flagService,
  noteService,
  rackService,
  toyPlugin,
  windowService,
} from "../support/toy-services.ts";

describe("extensions of the API", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let said: string[];
  const log: Log = {
    ...silentLog,
    error: (fields, message) => said.push(`${message} ${JSON.stringify(fields)}`),
  };
  beforeEach(async () => {
    said = [];
    world = await controllerWorld({ controllers: 2, extensions: [toyPlugin], log });
  });
  afterEach(() => world.stop());
  const flags = (project: string) => world.of(project)(flagService);
  const care = (project: string) => world.of(project)(careService);
  const running = async () => {
    await world.host("h1");
    const { instance } = await world.demo.instance.create({
      name: "web",
      flavor: "tiny",
      image: "tiny",
      wait: true,
    });
    return instance;
  };

  it("have rows that are a project's own, by id and by name", async () => {
    const { signalFlag } = await flags("demo").create({ name: "one", color: "red" });
    expect(signalFlag).to.include({ project: "demo", color: "red", raised: false, remark: null });
    const { signalFlag: hoisted } = await flags("demo").hoist("one", { raised: true });
    expect(hoisted).to.deep.equal({ ...signalFlag, raised: true });
    expect(await flags("demo").get(signalFlag.id, {})).to.deep.equal({ signalFlag: hoisted });
    expect(await flags("demo").colors({})).to.deep.equal({ red: 1, blue: 0 });
    expect((await refused(flags("demo").create({ name: "one", color: "blue" }))).reason).to.equal(
      "nameTaken",
    );
    for (const key of [signalFlag.id, "one"]) {
      expect((await refused(flags("other").get(key, {}))).reason).to.equal("notFound");
      expect((await refused(flags("other").hoist(key, { raised: false }))).reason).to.equal("notFound");
      expect((await refused(flags("other").delete(key, {}))).reason).to.equal("notFound");
    }
    expect((await flags("other").list({})).signalFlags).to.deep.equal([]);
    expect(await flags("other").colors({})).to.deep.equal({ red: 0, blue: 0 });
    expect((await flags("admin").list({})).signalFlags).to.deep.equal([hoisted]);
    await flags("demo").delete("one", {});
    expect((await flags("demo").list({})).signalFlags).to.deep.equal([]);
    const { events } = await world.demo.event.list({ after: 0, nouns: ["signal-flag"] });
    expect(events.map(({ event }) => event)).to.deep.equal(["created", "changed", "deleted"]);
  });

  it("are for operators only where they say so, and refuse what no schema has", async () => {
    const windows = world.of("demo")(windowService);
    const hours = { name: "w", host: "h1", fromMs: 1, toMs: 2 };
    expect((await refused(windows.create(hours))).reason).to.equal("adminOnly");
    expect((await refused(windows.list({}))).reason).to.equal("adminOnly");
    const lost = await refused(world.of("admin")(windowService).create(hours));
    expect(lost.reason).to.equal("hostNotFound");
    const strange = { name: "x", color: "red", size: 3 } as const;
    expect((await refused(flags("demo").create(strange))).reason).to.equal("unknownField");
    const green = { name: "x", color: "green" } as never;
    expect((await refused(flags("demo").create(green))).reason).to.equal("schemaMismatch");
  });

  it("answer a repeated request as the first time", async () => {
    const call = { requestId: "r-1" };
    const first = await flags("demo").create({ name: "one", color: "red" }, call);
    expect(await flags("demo").create({ name: "one", color: "red" }, call)).to.deep.equal(first);
    const other = await refused(flags("demo").create({ name: "two", color: "red" }, call));
    expect(other.reason).to.equal("requestIdReused");
    await flags("demo").delete("one", {}, { requestId: "r-2" });
    const again = await flags("demo").delete("one", {}, { requestId: "r-2" });
    expect(again).to.deep.equal(first);
  });

  it("are limited by the quota, which names them by their plug-in", async () => {
    const quota = async () => (await world.demo.quota.get({})).quota;
    expect((await quota()).effective.extensions).to.deep.equal({ "acme.signalFlags": 3, "acme.notes": 2 });
    await world.admin.quota.set("demo", { extensions: { "acme.signalFlags": 1 } });
    await flags("demo").create({ name: "one", color: "red" });
    const full = await refused(flags("demo").create({ name: "two", color: "red" }));
    expect([full.reason, full.message]).to.deep.equal([
      "quotaExceeded",
      "The project may have 1 signal flag, and 1 are there.",
    ]);
    const { limits, used } = await quota();
    expect(limits.extensions).to.deep.equal({ "acme.signalFlags": 1, "acme.notes": null });
    expect(used.extensions).to.deep.equal({ "acme.signalFlags": 1, "acme.notes": 0 });
    await world.admin.quota.setDefault({ extensions: { "acme.notes": 0 } });
    const none = await refused(world.of("demo")(noteService).create({ name: "n", words: [] }));
    expect(none.reason).to.equal("quotaExceeded");
    const unknown = await refused(world.admin.quota.set("demo", { extensions: { "acme.flags": 1 } }));
    expect([unknown.reason, unknown.message]).to.deep.equal([
      "schemaMismatch",
      "The field extensions has acme.flags, which is no limited resource of a plug-in: " +
        "there are acme.signalFlags, acme.notes.",
    ]);
  });

  it("act on instances of the caller, by id or name, once for each request id", async () => {
    const { id } = await running();
    const call = { requestId: "mark-1" };
    const answer = await care("demo").mark("web", { words: "mind me" }, call);
    expect(answer).to.deep.equal({ name: "web", notes: 1 });
    expect(await care("demo").mark("web", { words: "mind me" }, call)).to.deep.equal(answer);
    const { instance } = await world.demo.instance.get(id, {});
    expect(instance.metadata).to.deep.equal({ mark: "mind me" });
    expect((await world.of("demo")(noteService).list({})).notes).to.have.length(1);
    const { events } = await world.demo.event.list({ after: 0, id, events: ["acme-marked", "changed"] });
    expect(events.map(({ event }) => event)).to.deep.equal(["changed", "acme-marked"]);
    expect(await care("demo").look(id, {})).to.deep.equal({ name: "web", state: "running" });
    await care("demo").rest(id, {});
    await until(
      async () => (await world.demo.instance.get(id, {})).instance.state,
      (state) => state === "stopped",
    );
  });

  it("find no instance of another project, and have no rights but the caller's", async () => {
    const { id } = await running();
    for (const key of [id, "web"]) {
      expect((await refused(care("other").mark(key, { words: "x" }))).reason).to.equal("instanceNotFound");
      expect((await refused(care("other").look(key, {}))).reason).to.equal("instanceNotFound");
    }
    expect((await refused(care("demo").spoil(id, { how: "evacuate" }))).reason).to.equal("adminOnly");
    expect((await care("admin").look(id, {})).name).to.equal("web");
    await world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny" });
    const two = await refused(care("demo").look("web", {}));
    expect(two.reason).to.equal("ambiguous");
    expect(two.message).to.include(id);
  });

  it("act on hosts, for operators", async () => {
    await world.host("h1");
    const denied = await refused(world.of("demo")(rackService).rest("h1", { reason: "dust" }));
    expect(denied.reason).to.equal("adminOnly");
    expect(await world.of("admin")(rackService).rest("h1", { reason: "dust" })).to.deep.equal({
      enabled: false,
    });
    expect((await world.admin.host.get("h1", {})).host.enabled).to.equal(false);
  });

  it("refuse with reasons of their own, which clients get with code and next step", async () => {
    const { id } = await running();
    const hot = await refused(care("demo").spoil(id, { how: "refuse" }));
    expect(hot.toBody()).to.deep.equal({
      code: "FAILED_PRECONDITION",
      reason: "acme.tooHot",
      message: "The guest is too hot.",
      next: "Let it cool.",
    });
    const moved = await refused(care("demo").spoil(id, { how: "refuseByCopy" }));
    expect([moved.code, moved.reason]).to.deep.equal(["ABORTED", "acme.moved"]);
  });

  it("fail alone, by name in the log and without their words, whatever their handlers do", async () => {
    const { id } = await running();
    for (const how of ["throw", "pretend", "foreign", "dotted"]) {
      said = [];
      const failed = await refused(care("demo").spoil(id, { how }));
      expect([how, failed.code, failed.reason]).to.deep.equal([how, "INTERNAL", "internal"]);
      expect(failed.message).to.equal("The plug-in acme failed.");
      expect(said.join()).to.contain("acme: ");
    }
    const events = await world.demo.event.list({ after: 0, id, events: ["deleted"] });
    expect(events.events).to.deep.equal([]);
    const late = await refused(care("demo").spoil(id, { how: "hang" }, { timeoutMs: 50 }));
    expect(late.code).to.equal("DEADLINE_EXCEEDED");
    expect((await care("demo").look(id, {})).name).to.equal("web");
  });

  it("say to filters what their rows say of hosts", async () => {
    const closed: Filter = {
      name: "acme.open",
      effort: efforts.waiting,
      check: ({ facts }) =>
        facts.acme === undefined || (() => ({ reason: "work is done there", remedy: "wait" })),
    };
    const foreign = { filters: [closed], weighers: [] };
    const planned = await controllerWorld({ extensions: [toyPlugin], foreign });
    for (const id of ["h1", "h2"]) await planned.host(id);
    const hours = { fromMs: 1, toMs: Number.MAX_SAFE_INTEGER };
    await planned
      .of("admin")(windowService)
      .create({ name: "w", host: "h1", ...hours });
    const verdicts = async () => {
      const { hosts } = await planned.demo.instance.explainCreate({
        name: "m",
        flavor: "tiny",
        image: "tiny",
      });
      return Object.fromEntries(hosts.map(({ hostId, filters }) => [hostId, filters["acme.open"]]));
    };
    const found = await until(verdicts, ({ h1 }) => h1 !== true);
    expect(found).to.deep.equal({ h1: "work is done there", h2: true });
    const asked = { name: "m", flavor: "tiny", image: "tiny" };
    const factsFor = async (who: "demo" | "admin") =>
      (await planned[who].instance.explainCreate(asked)).hosts.map(({ hostId, facts }) => [hostId, facts]);
    expect(await factsFor("demo")).to.deep.equal([
      ["h2", undefined],
      ["h1", undefined],
    ]);
    expect(await factsFor("admin")).to.deep.equal([
      ["h2", undefined],
      ["h1", { acme: hours }],
    ]);
    const { instance } = await planned.demo.instance.create({ name: "m", flavor: "tiny", image: "tiny" });
    expect(instance.hostId).to.equal("h2");
    await planned.of("admin")(windowService).delete("w", {});
    await until(verdicts, ({ h1 }) => h1 === true);
    await planned.stop();
  });

  it("keep rows of another version, which operators see as they are, and remove", async () => {
    const before = resource({ ...flag, fields: { color: Type.String(), mast: Type.String() } });
    const row = { ...{ id: "f-1", name: "one", project: "demo", createdAtMs: 1, version: 1 } };
    const made = { ...row, color: "green", mast: "tall" };
    await world.store.commit({ rows: [{ resource: before, made }] });
    await flags("demo").create({ name: "two", color: "red" });
    expect((await flags("demo").list({})).signalFlags.map(({ name }) => name)).to.deep.equal(["two"]);
    expect((await refused(flags("demo").get("one", {}))).reason).to.equal("unreadableRow");
    const operated = service({ ...flagService, methods: { ...rawMethods } });
    const [operators, tenants] = [world.of("admin")(operated), world.of("demo")(operated)];
    expect((await refused(tenants.raw({}))).reason).to.equal("adminOnly");
    expect((await refused(tenants.discard("f-1", {}))).reason).to.equal("adminOnly");
    expect((await operators.raw({})).rows.map(({ readable }) => readable).sort()).to.deep.equal([
      false,
      true,
    ]);
    const [unreadable, ...others] = (await operators.raw({ unreadable: true })).rows;
    expect(others).to.deep.equal([]);
    expect(unreadable).to.deep.include({ id: "f-1", readable: false });
    expect(unreadable?.row).to.deep.include({ color: "green", mast: "tall", project: "demo" });
    expect(unreadable?.why).to.contain("color");
    expect((await refused(operators.discard("one", {}))).reason).to.equal("notFound");
    const call = { requestId: "r-9" };
    const gone = await operators.discard("f-1", {}, call);
    expect(gone).to.deep.equal({ id: "f-1", name: "one" });
    expect(await operators.discard("f-1", {}, call)).to.deep.equal(gone);
    const { events } = await world.demo.event.list({ after: 0, id: "f-1" });
    expect(events.map(({ event }) => event)).to.deep.equal(["deleted"]);
    await flags("demo").create({ name: "one", color: "red" });
  });

  it("are found by discovery", async () => {
    const { body } = await world.bus.request(
      "$SRV.INFO.novact-signal-flag",
      { body: new Uint8Array(), headers: {} },
      1_000,
    );
    const { endpoints } = JSON.parse(new TextDecoder().decode(body)) as { endpoints: { name: string }[] };
    expect(endpoints.map(({ name }) => name)).to.include.members(["create", "hoist", "colors"]);
  });
});
