/**
 * Full disks as a client and an operator see them: where nothing new is made, who says so, and what goes on.
 * Clients, a memory bus, a memory store, and hosts that do what the test says.
 */

import { expect } from "chai";
import { actorLimits } from "../../actors/runtime/limits.ts";
import type { FileSystemSpace } from "../../protocol/space.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { HostWorld } from "../support/host-world.ts";

const space = (freeMib: number, full = freeMib < 100) => ({
  of: "state directory",
  freeMib,
  totalMib: 900,
  full,
});
const mib = 1024 * 1024;
const onDisk = (freeMib: number): FileSystemSpace => ({
  of: "database",
  freeBytes: freeMib * mib,
  totalBytes: 900 * mib,
});
type World = Awaited<ReturnType<typeof controllerWorld>>;

const refusal = async (asked: Promise<unknown>): Promise<StatusError> => {
  const thrown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof StatusError) return thrown;
  throw new Error(`It was not refused: ${String(thrown)}`);
};

describe("a host with a full disk", function () {
  this.timeout(30_000);
  let world: World | undefined;
  afterEach(() => world?.stop());
  const wanted = { name: "one", flavor: "tiny", image: "tiny" };

  it("gets no new instance, says so to operators, and gets one when there is room", async () => {
    world = await controllerWorld();
    const [full, other] = [await world.host("full"), await world.host("other")];
    full.space = [space(3)];
    other.space = [space(500)];
    await full.report();
    await other.report();
    for (let n = 0; n < 4; n += 1) {
      const { instance } = await world.demo.instance.create({ ...wanted, wait: true });
      expect(instance.hostName).to.equal("host-other");
    }
    expect((await world.admin.host.get("full", {})).host.space).to.deep.equal([space(3)]);
    other.space = [space(2)];
    await other.report();
    const error = await refusal(world.demo.instance.create(wanted));
    expect(error.reason).to.equal("noValidHost");
    expect(error.message).to.contain("the file system of the state directory is full: ");
    const { findings } = await world.admin.doctor.examine({});
    expect(findings.map(({ subject }) => subject)).to.deep.equal(["host host-full", "host host-other"]);
    full.space = [space(400)];
    await full.report();
    const { instance } = await world.demo.instance.create({ ...wanted, wait: true });
    expect(instance.hostName).to.equal("host-full");
  });

  it("fills up as an instance comes: another host gets that, and where there is none the create fails in words", async () => {
    world = await controllerWorld();
    const full = await world.host("full");
    full.full = true;
    const made = { ...wanted, wait: true };
    const { operation } = await world.demo.instance.create(made);
    expect([operation.state, operation.error?.reason]).to.deep.equal(["failed", "noValidHost"]);
    expect(operation.error?.message).to.contain(
      "host-full: the build failed on this host before: The host could",
    );
    const { demo } = world;
    const all = async () => (await demo.instance.list({})).instances;
    const [one] = await all();
    await demo.instance.delete(one?.id ?? "", { wait: true });
    await world.host("other");
    for (let n = 0; n < 3; n += 1) {
      const { instance } = await demo.instance.create({ ...made, name: `vm-${n}` });
      expect([instance.hostName, instance.state]).to.deep.equal(["host-other", "running"]);
    }
  });

  it("fails the start of a guest that is there, in words, and starts it when there is room", async () => {
    world = await controllerWorld();
    const host = await world.host("a");
    const { demo } = world;
    const { instance } = await demo.instance.create({ ...wanted, wait: true });
    await demo.instance.stop(instance.id, { mode: "hard", wait: true });
    host.full = true;
    const { operation } = await demo.instance.start(instance.id, { wait: true });
    expect([operation.state, operation.error?.reason]).to.deep.equal(["failed", "diskFull"]);
    const { failure, hostName } = (await demo.instance.get(instance.id, {})).instance;
    expect([failure?.reason, hostName]).to.deep.equal(["diskFull", "host-a"]);
    host.full = false;
    expect((await demo.instance.start(instance.id, { wait: true })).instance.state).to.equal("running");
  });

  it("tells its file systems with each heartbeat and in the audit", async () => {
    world = undefined;
    const host = new HostWorld();
    host.machine.spaces = [{ of: "state directory", freeBytes: 5 * mib, totalBytes: 900 * mib }];
    await host.clock.advance(2 * actorLimits.spaceLookPeriodMs + 3_000);
    expect(host.controller.heartbeats.at(-1)).to.deep.include({ space: [space(5)] });
  });
});

describe("controllers whose database has a full disk", function () {
  this.timeout(30_000);
  let world: World;
  afterEach(() => world.stop());

  it("refuse new instances with diskFull, and still answer, stop and delete what is there", async () => {
    let freeMib = 500;
    const seen = Promise.withResolvers<void>();
    const look = async () => {
      if (freeMib < 100) seen.resolve();
      return [onDisk(freeMib)];
    };
    world = await controllerWorld({ space: { look } });
    await world.host("a");
    const wanted = { name: "one", flavor: "tiny", image: "tiny", wait: true };
    const requestId = "made-before";
    const { instance } = await world.demo.instance.create(wanted, { requestId });
    freeMib = 2;
    await seen.promise;
    await new Promise(setImmediate);
    const error = await refusal(world.demo.instance.create({ ...wanted, name: "two" }));
    expect([error.code, error.reason]).to.deep.equal(["RESOURCE_EXHAUSTED", "diskFull"]);
    expect(error.message).to.contain("the file system of the database is full (2 of 900 MiB are free)");
    const again = await world.demo.instance.create(wanted, { requestId });
    expect(again.instance.id).to.equal(instance.id);
    const { findings } = await world.admin.doctor.examine({});
    expect(findings.map(({ subject }) => subject)).to.deep.equal(["controllers"]);
    const stopped = await world.demo.instance.stop(instance.id, { mode: "hard", wait: true });
    expect(stopped.operation.state).to.equal("done");
    const deleted = await world.demo.instance.delete(instance.id, { wait: true });
    expect(deleted.operation.state).to.equal("done");
  });
});
