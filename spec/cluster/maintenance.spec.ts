/**
 * The example of an API extension in a whole cluster: windows that operators make, what they mean for the
 * scheduler, and what owners of instances learn and ask for.
 */
import { expect } from "chai";
import { rowMade } from "../../actors/control/request/row-changes.ts";
import { guestService } from "../examples/maintenance/src/guest-maintenance.ts";
import { windowLimits } from "../examples/maintenance/src/limits.ts";
import plugin from "../examples/maintenance/src/plugin.ts";
import { maintenanceWindow } from "../examples/maintenance/src/window.ts";
import { windowService } from "../examples/maintenance/src/window-service.ts";
import { commandOn, connectOn } from "../nodes/cli/cli-world.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

const hour = 3_600_000;
const parts = plugin.parts({});
const loaded = { name: plugin.name, parts };

describe("the example of maintenance windows", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    const foreign = { filters: parts.filters ?? [], weighers: [] };
    world = await controllerWorld({ extensions: [loaded], foreign });
    for (const id of ["h1", "h2"]) await world.host(id);
  });
  afterEach(() => world.stop());

  const windows = () => world.of("admin")(windowService);
  const guests = (project: string) => world.of(project)(guestService);
  const inHours = (from: number, to: number) => ({
    fromMs: Date.now() + from * hour,
    untilMs: Date.now() + to * hour,
  });
  const fans = (from: number, to: number, hosts = ["h1"]) => ({
    ...{ name: "fans", hosts, reason: "new fans" },
    ...inHours(from, to),
  });
  /** Rows as they are when time has passed: `old-1000`, `old-1001`, …, in the order of their ids. */
  const keep = async (name: string, count: number, times: ReturnType<typeof inHours>) => {
    const rows = Array.from({ length: count }, (_, at) => {
      const own = { id: `0-${name}-${1_000 + at}`, name: `${name}-${1_000 + at}`, hostIds: ["h1"] };
      const row = { ...own, ...times, reason: "old fans", createdAtMs: 1, version: 1 };
      return rowMade(maintenanceWindow, row);
    });
    expect(await world.store.commit({ rows })).to.include({ kind: "committed" });
  };
  const asked = { flavor: "tiny", image: "tiny" };
  const verdicts = async () => {
    const { hosts } = await world.demo.instance.explainCreate({ ...asked, name: "m" });
    return Object.fromEntries(
      hosts.map(({ hostId, filters }) => [hostId, filters["maintenance.notInWindow"]]),
    );
  };
  const place = async (name: string) =>
    (await world.demo.instance.create({ ...asked, name, wait: true })).instance;

  it("are made for hosts by id or name, listed, shown, changed and removed", async () => {
    const times = inHours(3, 5);
    const { maintenanceWindow: made } = await windows().create({
      ...{ name: "fans", hosts: ["host-h2", "h1", "h2"], reason: "new fans" },
      ...times,
    });
    expect(made).to.deep.include({
      ...{ name: "fans", reason: "new fans", ...times },
      ...{ hostIds: ["h2", "h1"], hostNames: ["host-h2", "host-h1"] },
    });
    expect(await windows().get("fans", {})).to.deep.equal({ maintenanceWindow: made });
    const untilMs = times.untilMs + hour;
    const { maintenanceWindow: set } = await windows().set("fans", { untilMs });
    expect(set).to.deep.equal({ ...made, untilMs });
    expect((await windows().list({})).maintenanceWindows).to.deep.equal([set]);
    await windows().delete("fans", {});
    expect((await windows().list({})).maintenanceWindows).to.deep.equal([]);
    const { events } = await world.admin.event.list({ after: 0, nouns: ["maintenance-window"] });
    expect(events.map(({ event, body }) => [event, body])).to.deep.equal([
      ["created", { name: "fans", ...times }],
      ["changed", { name: "fans", untilMs }],
      ["deleted", { name: "fans" }],
    ]);
  });

  it("are refused when they end before they begin, are over, or name a host that is not there", async () => {
    const reasonOf = async (attempt: Promise<unknown>) => {
      const { code, reason } = await refused(attempt);
      return [code, reason];
    };
    const bad = "INVALID_ARGUMENT";
    expect(await reasonOf(windows().create(fans(2, 1)))).to.deep.equal([bad, "maintenance.endsBeforeBegin"]);
    expect(await reasonOf(windows().create(fans(-2, -1)))).to.deep.equal([bad, "maintenance.inThePast"]);
    expect((await refused(windows().create(fans(1, 2, ["h9"])))).reason).to.equal("hostNotFound");
    expect((await refused(windows().create(fans(1, 2, [])))).reason).to.equal("schemaMismatch");
    await windows().create(fans(-1, 1));
    expect((await refused(windows().create(fans(1, 2)))).reason).to.equal("nameTaken");
    const sooner = inHours(-2, -0.5).untilMs;
    expect(await reasonOf(windows().set("fans", { untilMs: sooner }))).to.deep.equal([
      bad,
      "maintenance.inThePast",
    ]);
    const before = inHours(-3, -2).untilMs;
    expect(await reasonOf(windows().set("fans", { untilMs: before }))).to.deep.equal([
      bad,
      "maintenance.endsBeforeBegin",
    ]);
  });

  it("are for operators only", async () => {
    const theirs = world.of("demo")(windowService);
    const attempts = [
      () => theirs.create(fans(1, 2)),
      () => theirs.list({}),
      () => theirs.set("fans", { untilMs: 1 }),
      () => theirs.upcoming({}),
      () => theirs.prune({}),
    ];
    for (const attempt of attempts) expect((await refused(attempt())).reason).to.equal("adminOnly");
  });

  it("answer a repeated request as the first time, also when it would be refused by now", async () => {
    const request = fans(1, 3);
    const call = { requestId: "r-1" };
    const first = await windows().create(request, call);
    const set = await windows().set("fans", { untilMs: request.untilMs + 1 }, { requestId: "r-2" });
    await windows().set("fans", { untilMs: request.untilMs + 2 });
    const again = { untilMs: request.untilMs + 1 };
    expect(await windows().set("fans", again, { requestId: "r-2" })).to.deep.equal(set);
    await windows().delete("fans", {});
    expect(await windows().create(request, call)).to.deep.equal(first);
    expect((await windows().list({})).maintenanceWindows).to.deep.equal([]);
  });

  it("are pruned when they are over, the oldest first, once for each request id", async () => {
    await keep("old", 101, inHours(-3, -2));
    await windows().create(fans(-1, 1));
    const gone = await windows().prune({}, { requestId: "r-3" });
    expect([gone.pruned.length, gone.pruned[0], gone.left]).to.deep.equal([100, "old-1000", 1]);
    expect(await windows().prune({}, { requestId: "r-3" })).to.deep.equal(gone);
    expect(await windows().prune({})).to.deep.equal({ pruned: ["old-1100"], left: 0 });
    expect(await windows().prune({})).to.deep.equal({ pruned: [], left: 0 });
    const left = (await windows().list({})).maintenanceWindows;
    expect(left.map(({ name }) => name)).to.deep.equal(["fans"]);
    const { events } = await world.admin.event.list({ after: 0, events: ["deleted"], limit: 1_000 });
    expect(new Set(events.map(({ noun, id }) => `${noun} ${id}`)).size).to.equal(101);
    expect(events).to.have.length(101);
  });

  it("do not have their hosts looked up again when a request is repeated", async () => {
    const request = fans(1, 2, ["host-h1"]);
    const first = await windows().create(request, { requestId: "r-1" });
    await world.admin.host.disable("h1", { reason: "leaves" });
    await world.admin.host.remove("h1", {});
    expect(await windows().create(request, { requestId: "r-1" })).to.deep.equal(first);
    expect((await windows().get("fans", {})).maintenanceWindow.hostNames).to.deep.equal(["h1"]);
  });

  it("keep new instances off their hosts, from the lead before to the end, and say why", async () => {
    await windows().create(fans(3, 5));
    await windows().create({ ...fans(0.5, 2), name: "disks", reason: "new disks" });
    const closed = await until(verdicts, ({ h1 }) => h1 !== true);
    expect(closed.h1).to.match(/^it is in the maintenance window disks, from .* until .* \(new disks\)$/);
    expect(closed.h2).to.equal(true);
    for (const name of ["a", "b", "c"]) expect((await place(name)).hostId).to.equal("h2");
    await windows().create({ ...fans(-1, 1, ["h2"]), name: "cables" });
    await until(verdicts, ({ h2 }) => h2 !== true);
    const denied = await refused(world.demo.instance.create({ ...asked, name: "d" }));
    expect(denied.reason).to.equal("noValidHost");
    await windows().delete("disks", {});
    // What is left is three hours away.
    await until(verdicts, ({ h1 }) => h1 === true);
    expect((await place("e")).hostId).to.equal("h1");
  });

  it("are told to owners of instances on the host, and to nobody else", async () => {
    const { id, hostId } = await place("web");
    if (hostId === null) throw new Error("The instance has no host.");
    expect(await guests("demo").when("web", {})).to.deep.equal({ work: null });
    const times = inHours(-1, 1);
    await windows().create({ name: "fans", hosts: [hostId], reason: "new fans", ...times });
    const work = { window: "fans", ...times, reason: "new fans", underWay: true };
    expect(await guests("demo").when(id, {})).to.deep.equal({ work });
    for (const key of [id, "web"]) {
      expect((await refused(guests("other").when(key, {}))).reason).to.equal("instanceNotFound");
      const wish = guests("other").wish(key, { wish: "move" });
      expect((await refused(wish)).reason).to.equal("instanceNotFound");
    }
  });

  it("let an owner say what is to become of the instance, once for each request id", async () => {
    const { id, hostId } = await place("web");
    if (hostId === null) throw new Error("The instance has no host.");
    const none = await refused(guests("demo").wish("web", { wish: "move" }));
    expect([none.code, none.reason]).to.deep.equal(["FAILED_PRECONDITION", "maintenance.noWindow"]);
    const { maintenanceWindow } = await windows().create(fans(1, 2, [hostId]));
    const call = { requestId: "wish-1" };
    const first = await guests("demo").wish("web", { wish: "move" }, call);
    expect(first).to.deep.include({ wish: "move" });
    await windows().delete("fans", {});
    expect(await guests("demo").wish("web", { wish: "move" }, call)).to.deep.equal(first);
    expect((await world.demo.instance.get(id, {})).instance.metadata).to.deep.equal({ maintenance: "move" });
    const { events } = await world.demo.event.list({ after: 0, id, events: ["maintenance-wished"] });
    expect(events.map(({ body }) => body)).to.deep.equal([{ wish: "move", windowId: maintenanceWindow.id }]);
    const theirs = await world.other.event.list({ after: 0, events: ["maintenance-wished"] });
    expect(theirs.events).to.deep.equal([]);
  });

  it("are found ahead, in order of their begin, with the names of their hosts", async () => {
    await windows().create({ ...fans(20, 21), name: "tomorrow" });
    await windows().create({ ...fans(-1, 1, ["h2", "h1"]), name: "now" });
    await windows().create({ ...fans(30, 31), name: "later" });
    const { windows: found } = await windows().upcoming({});
    expect(found.map(({ name, hostNames, underWay }) => [name, hostNames, underWay])).to.deep.equal([
      ["now", ["host-h2", "host-h1"], true],
      ["tomorrow", ["host-h1"], false],
    ]);
    const named = async (hours: number) =>
      (await windows().upcoming({ hours })).windows.map(({ name }) => name);
    expect(await named(1)).to.deep.equal(["now"]);
    expect(await named(48)).to.deep.equal(["now", "tomorrow", "later"]);
  });

  it("are only so many", async () => {
    const make = (name: string) => windows().create({ ...fans(1, 2), name });
    await keep("w", windowLimits.windowsMax - 1, inHours(1, 2));
    await make("last");
    const full = await refused(make("more"));
    expect([full.code, full.reason]).to.deep.equal(["RESOURCE_EXHAUSTED", "maintenance.tooMany"]);
    expect(full.toBody().next).to.contain("novact maintenance-window prune");
    await windows().delete("last", {});
    await make("more");
  });

  it("are used by command as the README says", async () => {
    const novact = commandOn(connectOn(world.bus, "test").connect, async () => [loaded]);
    const { fromMs, untilMs } = inHours(1, 2);
    const times = `--from-ms ${fromMs} --until-ms ${untilMs}`;
    const made = await novact(
      `maintenance-window create fans --hosts host-h1 --hosts host-h2 ${times} --reason "new fans"`,
    );
    expect([made.exit, made.err]).to.deep.equal([0, ""]);
    expect(made.out).to.match(/host names +host-h1, host-h2/);
    expect((await novact("maintenance-window list", { columns: 200 })).out).to.match(
      /HOST NAMES[\s\S]*host-h1, host-h2/,
    );
    expect((await novact("maintenance-window upcoming --hours 3")).out).to.contain("new fans");
    await place("web");
    expect((await novact("maintenance when web")).out).to.contain("new fans");
    expect((await novact("maintenance wish web --wish stay")).out).to.match(/wish +stay/);
    expect((await novact("maintenance-window prune")).out).to.match(/left +0/);
    expect((await novact("maintenance-window delete fans")).exit).to.equal(0);
  });
});
