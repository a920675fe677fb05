/**
 * The end of hosts, from outside: fenced by hand, evacuated, drained, removed. A client, a memory bus, a
 * memory store, and hosts that do what the test says; host leases end by no clock here.
 */
import { expect } from "chai";
import type { PowerFence } from "../../actors/ports/power.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { RecoveryPolicy } from "../../protocol/states.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

async function refused(attempt: Promise<unknown>): Promise<StatusError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

/** Reads again until the value is as expected. */
async function until<T>(read: () => Promise<T>, so: (value: T) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const value = await read();
    if (so(value)) return value;
    if (attempt > 400) throw new Error(`It never came: ${JSON.stringify(value)}`);
    await new Promise<void>((resolve) => systemClock.after(25, resolve));
  }
}

const power: PowerFence = {
  has: (name) => name === "host-a",
  off: async (name) => {
    if (name !== "host-a") throw new StatusError("powerControlMissing", `${name} has none.`);
    return { kind: "redfish", at: "https://bmc.example", said: "PowerState Off", tookMs: 5 };
  },
};

const burnt = { confirm: "host-a", reason: "It burnt.", force: true };
const sentence = "the operator admin confirmed that host-a is off: It burnt.";

describe("the end of a host", function () {
  this.timeout(60_000);
  let world: World;
  let first: Awaited<ReturnType<World["host"]>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2, power });
    first = await world.host("a");
  });
  afterEach(() => world.stop());

  const create = async (name: string, policy?: RecoveryPolicy) => {
    const recovery = policy === undefined ? {} : { recovery: { policy } };
    const { instance } = await world.demo.instance.create({
      ...{ name, flavor: "tiny", image: "tiny", wait: true },
      ...recovery,
    });
    return instance;
  };
  const second = () => world.host("b");
  const instanceOf = async (id: string) => (await world.demo.instance.get(id, {})).instance;
  const runningOn = (id: string, host: string) =>
    until(
      () => instanceOf(id),
      ({ state, hostId }) => state === "running" && hostId === host,
    );

  describe("fence", () => {
    it("is refused unless the host's name is typed again, with a reason or the power's word", async () => {
      const wrong = await refused(world.admin.host.fence("a", { ...burnt, confirm: "host-b" }));
      expect(wrong).to.include({
        reason: "confirmMismatch",
        message: "The host a is called host-a, not host-b.",
      });
      const mute = await refused(world.admin.host.fence("a", { confirm: "host-a", force: true }));
      expect(mute.reason).to.equal("schemaMismatch");
      expect((await refused(world.demo.host.fence("a", burnt))).reason).to.equal("adminOnly");
    });

    it("keeps what the operator claims to be apart from what is proved, and out of the sentence", async () => {
      const { host } = await world.admin.host.fence("a", { ...burnt, claimedBy: "ada@desk" });
      expect(host.lease?.fencedBy).to.include({ kind: "operator", by: "admin", claimedBy: "ada@desk" });
      expect(host.lease).to.include({ sentence });
      const { events } = await world.admin.event.list({ after: 0, noun: "host", id: "a", limit: 1_000 });
      const fenced = events.find(({ event }) => event === "fenced");
      expect(JSON.stringify(fenced?.body)).to.include("ada@desk");
    });

    it("is refused while the host was heard a moment ago, and says to switch it off", async () => {
      const { reason, message, code } = await refused(
        world.admin.host.fence("a", { confirm: "host-a", reason: "I think." }),
      );
      expect([reason, code]).to.deep.equal(["hostAlive", "FAILED_PRECONDITION"]);
      expect(message).to.equal("The host host-a was heard within the last 10 s: it does not seem to be off.");
    });

    it("by its power is refused without a controller of it", async () => {
      await second();
      const none = await refused(world.admin.host.fence("b", { confirm: "host-b", power: true }));
      expect(none.reason).to.equal("powerControlMissing");
    });

    it("by an operator's word moves the guests that are to be, and says by what proof", async () => {
      const { id } = await create("web");
      await second();
      first.silent = true;
      const { host } = await world.admin.host.fence("a", burnt);
      expect(host.lease).to.include({ leaseEpoch: 1, state: "fenced", sentence });
      await runningOn(id, "b");
      const { operations } = await world.demo.operation.list({ instanceId: id });
      expect(operations.at(-1)).to.include({ kind: "recover", state: "done" });
      expect(operations.at(-1)?.steps.find(({ step }) => step === "hostFenced")?.message).to.equal(sentence);
      const { events } = await world.admin.event.list({ after: 0, noun: "host", id: "a", limit: 1_000 });
      expect(events.map(({ event }) => event)).to.deep.equal(["registered", "fenced"]);
      expect((await world.admin.host.get("a", {})).host.lease?.state).to.equal("fenced");
    });

    it("with the same request id is answered alike, and twice is once", async () => {
      const again = { requestId: "fence-1" };
      const one = await world.admin.host.fence("a", burnt, again);
      expect(await world.admin.host.fence("a", burnt, again)).to.deep.equal(one);
      expect((await world.admin.host.fence("a", burnt)).host.lease).to.deep.equal(one.host.lease);
      expect((await refused(world.admin.host.fence("a", { ...burnt, reason: "x" }, again))).reason).to.equal(
        "requestIdReused",
      );
    });

    it("by the controller of its power needs no reason, and keeps its address from everybody else", async () => {
      const { id } = await create("web");
      const { host } = await world.admin.host.fence("a", { confirm: "host-a", power: true });
      expect(host.lease?.fencedBy).to.deep.include({ kind: "power", address: "https://bmc.example" });
      const { waitingFor } = await until(
        () => world.demo.instance.explain(id, {}),
        ({ instance }) => instance.hostId === null,
      );
      expect(waitingFor.join(" ")).to.contain(
        "(Redfish) says that it is off: PowerState Off; it waits for room",
      );
      expect(JSON.stringify(waitingFor)).to.not.contain("bmc.example");
    });

    it("of a host that lives is told with its next renewal, and it cleans up before it gets another", async () => {
      expect(await first.lease(1)).to.deep.equal({ leaseEpoch: 1, held: true });
      await world.admin.host.fence("a", burnt);
      expect(await first.lease(1)).to.deep.equal({ leaseEpoch: 1, held: false });
      expect(await first.lease(1, true)).to.deep.equal({ leaseEpoch: 2, held: true });
      const { host } = await world.admin.host.get("a", {});
      expect(host.lease).to.include({ leaseEpoch: 2, state: "held", fencedBy: null });
    });
  });

  describe("evacuate", () => {
    it("is refused while the host is not fenced, and to whoever is no operator", async () => {
      const { id } = await create("web", "wait");
      const denied = await refused(world.admin.instance.evacuate(id, {}));
      expect(denied).to.include({ reason: "hostNotFenced", code: "FAILED_PRECONDITION" });
      expect(denied.message).to.equal(`Cannot evacuate instance ${id}: its host host-a is not fenced.`);
      expect((await refused(world.demo.instance.evacuate(id, {}))).reason).to.equal("adminOnly");
    });

    it("takes what waits for its host to another one, with the proof in its steps", async () => {
      const waits = await create("db", "wait");
      expect((await instanceOf(waits.id)).recovery).to.deep.equal({ policy: "wait", priority: 0 });
      const moves = await create("web");
      await second();
      first.silent = true;
      await world.admin.host.fence("a", burnt);
      await runningOn(moves.id, "b");
      const { waitingFor } = await world.demo.instance.explain(waits.id, {});
      expect(waitingFor.join(" ")).to.contain(`Its host was fenced: ${sentence}`).and.contain("evacuate");
      const { operation, instance } = await world.admin.instance.evacuate(waits.id, { wait: true });
      expect(operation).to.include({ kind: "evacuate", state: "done" });
      expect(operation.steps.map(({ message }) => message)).to.include(sentence);
      expect(instance).to.include({ state: "running", hostId: "b" });
    });
  });

  describe("drain", () => {
    const drain = (more: object = {}) => world.admin.host.drain("a", { reason: "a new disk", ...more });
    const progress = async () => (await world.admin.host.get("a", {})).drain;
    /** The operation of the newest drain. */
    const newest = async () => {
      const { operations } = await world.admin.operation.list({ noun: "host", entityId: "a" });
      return operations.at(-1);
    };
    const ended = () =>
      until(newest, (operation) => operation !== undefined && operation.state !== "running");

    it("moves what can be moved, a few at once, and lists what stays; then the host can be removed", async () => {
      const moving = [];
      for (let n = 0; n < 6; n += 1) moving.push(await create(`m${n}`));
      const stays = await create("stays", "wait");
      await second();
      let most = 0;
      const begun = await drain({ parallelism: 2 });
      expect(begun.host).to.include({ enabled: false, disabledReason: "a new disk" });
      expect(begun.host.draining).to.include({ parallelism: 2, operationId: begun.operation?.id });
      expect(begun.drain).to.deep.include({ moved: 0, left: 6, staying: 1 });
      await until(progress, (now) => {
        most = Math.max(most, now?.moving ?? 0);
        return now === undefined;
      });
      expect(most).to.be.at.most(2);
      const why = "Its recovery policy is wait: it stays with its host.";
      const { error, state } = (await ended()) ?? {};
      expect(state).to.equal("failed");
      expect(error).to.deep.include({
        ...{ reason: "drainIncomplete", message: `host-a is not empty: 1 staying: stays: ${why}` },
        details: { instances: [{ instanceId: stays.id, name: "stays", why }], moved: 6 },
      });
      expect((await world.admin.host.get("a", {})).host).to.include({ draining: null, enabled: false });
      for (const { id } of moving) await runningOn(id, "b");
      const left = first.ensured.filter(({ intent }) => intent.power === "deleted");
      expect(left.every(({ intent }) => intent.keepDisk && intent.stop.mode === "graceful")).to.equal(true);
      const { operations } = await world.demo.operation.list({ instanceId: moving[0]?.id ?? "" });
      expect(operations.at(-1)).to.deep.include({
        ...{ kind: "move", state: "done", noun: "instance", entityId: moving[0]?.id },
        toHost: { id: "b", name: "host-b" },
      });
      const full = await refused(world.admin.host.remove("a", {}));
      expect(full).to.include({ reason: "hostNotEmpty", message: "The host host-a still has 1 instance." });
      await world.demo.instance.delete(stays.id, { wait: true });
      expect((await world.admin.host.remove("a", {})).host.id).to.equal("a");
      expect((await world.admin.host.list({})).hosts.map(({ id }) => id)).to.deep.equal(["b"]);
      await first.register();
      expect((await world.admin.host.get("a", {})).host).to.include({ enabled: true, instances: 0 });
      expect(await first.lease(0)).to.deep.equal({ leaseEpoch: 1, held: true });
    });

    it("counts apart what was deleted meanwhile, and as moved only what is elsewhere", async () => {
      const ids = [];
      for (const name of ["one", "two", "three"]) ids.push((await create(name)).id);
      await drain();
      await until(progress, (now) => now?.staying === 3);
      await world.demo.instance.delete(ids[0] ?? "", { wait: true });
      const before = await until(progress, (now) => now?.staying === 2);
      expect(before).to.include({ moved: 0, moving: 0, deleted: 1 });
      await second();
      const operation = await ended();
      expect(operation).to.include({ state: "done", percent: 100 });
      expect(operation?.steps.at(-1)?.message).to.equal(
        "Nothing is on the host any more: 2 moved, 1 deleted.",
      );
    });

    it("asks nobody to leave who finds no room, and says so, in the instance's explanation too", async () => {
      const { id } = await create("web");
      await drain();
      const found = await until(progress, (now) => now?.staying === 1);
      expect(found?.cannot[0]?.why).to.contain("No host fits");
      expect(await instanceOf(id)).to.include({ state: "running", hostId: "a" });
      const explained = async () => (await world.demo.instance.explain(id, {})).waitingFor.join(" ");
      await until(explained, (text) =>
        text.includes("Its host host-a is drained, and it stays there: No host"),
      );
      await second();
      await runningOn(id, "b");
      expect(await ended()).to.include({ state: "done" });
    });

    it("is ended by enable, goes on faster when asked again, and counts from its beginning", async () => {
      await create("one");
      const first = await drain();
      const again = await drain({ parallelism: 9 });
      const { sinceMs } = first.host.draining ?? {};
      const operationId = again.operation?.id;
      expect(again.host.draining).to.deep.equal({ sinceMs, parallelism: 9, operationId });
      expect(operationId).to.not.equal(first.operation?.id);
      const states = async () =>
        (await world.admin.operation.list({ noun: "host" })).operations.map(({ state }) => state);
      expect(await states()).to.deep.equal(["cancelled", "running"]);
      await world.admin.host.disable("a", { reason: "still" });
      expect((await world.admin.host.get("a", {})).host.draining).to.deep.equal(again.host.draining);
      expect((await world.admin.host.enable("a", {})).host.draining).to.equal(null);
      expect(await progress()).to.equal(undefined);
      expect(await states()).to.deep.equal(["cancelled", "cancelled"]);
    });

    it("can be waited for, and with the same request id is one drain", async () => {
      const { id } = await create("web");
      await second();
      const once = { requestId: "drain-1", timeoutMs: 20_000 };
      const { operation, host } = await world.admin.host.drain("a", { reason: "x", wait: true }, once);
      expect(operation).to.include({ state: "done", kind: "drain", noun: "host", entityId: "a" });
      expect(host).to.deep.include({ draining: null, enabled: false });
      expect(await instanceOf(id)).to.include({ hostId: "b" });
      const again = await world.admin.host.drain("a", { reason: "x", wait: true }, once);
      expect(again.operation?.id).to.equal(operation?.id);
      const other = await refused(world.admin.host.drain("a", { reason: "y", wait: true }, once));
      expect(other.reason).to.equal("requestIdReused");
    });

    it("is nobody's business but the operators'", async () => {
      const { operation } = await drain();
      const denied = await refused(world.demo.operation.get(operation?.id ?? "", {}));
      expect(denied.reason).to.equal("operationNotFound");
      expect((await world.demo.operation.list({})).operations).to.deep.equal([]);
      const { events } = await world.demo.event.list({ after: 0, limit: 1_000 });
      expect(events.filter(({ noun }) => noun === "host")).to.deep.equal([]);
    });

    it("survives the death of a controller", async () => {
      const ids = [];
      for (let n = 0; n < 4; n += 1) ids.push((await create(`m${n}`)).id);
      await second();
      await drain({ parallelism: 1 });
      await until(progress, (now) => now === undefined || now.moved > 0);
      await world.controllers[0]?.stop();
      for (const id of ids) await runningOn(id, "b");
      expect(await ended()).to.include({ state: "done" });
    });

    it("is over when its host is fenced, and moves nothing then", async () => {
      await create("web");
      await drain();
      first.silent = true;
      const { operation } = await world.admin.host.fence("a", burnt);
      expect(operation).to.include({ kind: "fence", state: "done", step: "done" });
      const { operations } = await world.admin.operation.list({ noun: "host" });
      expect(operations.map(({ kind, error }) => [kind, error?.reason])).to.deep.equal([
        ["drain", "hostFenced"],
        ["fence", undefined],
      ]);
      expect((await world.admin.host.get("a", {})).host.draining).to.equal(null);
      expect((await refused(drain())).reason).to.equal("hostFenced");
    });

    it("moves a stopped instance too, and starts it nowhere", async () => {
      const { id } = await create("web");
      await world.demo.instance.stop(id, { wait: true });
      await second();
      await drain();
      expect(await ended()).to.include({ state: "done" });
      expect(await instanceOf(id)).to.include({ state: "stopped", hostId: null });
      await world.demo.instance.start(id, { wait: true });
      expect(await instanceOf(id)).to.include({ state: "running", hostId: "b" });
    });
  });

  describe("remove", () => {
    it("of a lost host takes what was parked there with it, and only with a fence", async () => {
      const { id } = await create("web", "leave");
      first.silent = true;
      const owned = await refused(world.admin.host.remove("a", {}));
      expect(owned.details).to.deep.equal({ instances: [{ instanceId: id, name: "web" }], parked: 0 });
      await world.admin.host.fence("a", burnt);
      expect((await refused(world.admin.host.remove("a", {}))).reason).to.equal("hostNotEmpty");
      const loaded = await world.store.instances.load(id);
      // As after a delete whose host did not answer in time.
      const { instance } = loaded ?? {};
      if (instance === undefined) throw new Error("It is not there.");
      const gone = {
        desired: "deleted",
        state: "deleted",
        hostId: null,
        deletedAtMs: 1,
        settled: false,
      } as const;
      const row = {
        ...instance,
        ...gone,
        version: instance.version + 1,
        generation: instance.generation + 1,
      };
      await world.store.commit({ instances: [{ expectedVersion: instance.version, row }] });
      await world.admin.host.remove("a", {});
      expect(await world.store.instances.load(id)).to.deep.include({ claims: [], machines: [] });
      expect((await world.admin.host.list({})).hosts).to.deep.equal([]);
      await until(
        () => world.store.instances.load(id),
        (now) => now?.instance.settled === true,
      );
      first.silent = false;
      await first.register();
      expect(await first.lease(0)).to.deep.equal({ leaseEpoch: 1, held: false });
      expect(await first.lease(1, true)).to.deep.equal({ leaseEpoch: 2, held: true });
    });
  });

  describe("rebalance", () => {
    it("proposes moves with what they gain, and makes none", async () => {
      for (let n = 0; n < 4; n += 1) await create(`m${n}`);
      await create("stays", "leave");
      await second();
      const { rebalance } = await world.admin.host.rebalance({ moves: 5 });
      expect(rebalance.moves.length).to.be.greaterThan(0);
      expect(rebalance.moves[0]).to.include({ fromHostName: "host-a", toHostName: "host-b" });
      expect(rebalance.spreadAfter).to.be.lessThan(rebalance.spreadBefore);
      expect(rebalance.unmovable).to.deep.equal([
        { why: "Its recovery policy is leave: it stays with its host", instances: 1 },
      ]);
      const { instances } = await world.demo.instance.list({});
      expect(new Set(instances.map(({ hostId }) => hostId))).to.deep.equal(new Set(["a"]));
    });
  });
});
