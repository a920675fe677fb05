/**
 * A driver that novact knows nothing of keeps something on a host: audit, doctor and I7 see it by the one
 * small port of all keepers, and what is released is gone.
 */
import { expect } from "chai";
import type { Holding, Keeper } from "../../actors/ports/keeper.ts";
import { nothingLeaks } from "../../actors/promises/i07-nothing-leaks.ts";
import { assembleCompute, type Compute } from "../../nodes/compute/assembly.ts";
import { createDrivers } from "../../nodes/drivers/index.ts";
import type { DisksDriver, Drivers } from "../../nodes/drivers/kinds.ts";
import { builtInRegistry } from "../../nodes/drivers/registry.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { hostAgentService } from "../../protocol/machine.ts";
import { hostBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { judged, quiet } from "../actors/promises/worlds.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { inventoryOf } from "../support/scripted-host.ts";

/** Balls that a toy driver leaves behind. */
class BallKeeper implements Keeper {
  readonly kind = "ball";
  readonly balls = new Map<string, Holding>();

  async list(): Promise<readonly Holding[]> {
    return [...this.balls.values()];
  }

  /** So many releases fail from now on. */
  failures = 0;

  async release({ what }: Holding): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("The ball is stuck.");
    }
    this.balls.delete(what);
  }
}

describe("a keeper that nobody knows", function () {
  this.timeout(20_000);
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let keeper: BallKeeper;
  let drivers: Drivers;
  let compute: Compute;

  beforeEach(async () => {
    world = await controllerWorld();
    keeper = new BallKeeper();
    const toyDisks: DisksDriver = {
      ...builtInRegistry.disks.fake,
      open: (context, options) => {
        const part = builtInRegistry.disks.fake.open(context, options);
        return { ...part, keepers: [...part.keepers, keeper] };
      },
    };
    const registry = { ...builtInRegistry, disks: { toy: toyDisks } };
    const common = { clock: systemClock, ids: systemIds(0), log: silentLog };
    const directories = { stateDirectory: "/x", computerDirectory: "/x", imageStore: "/x" };
    drivers = createDrivers(
      {
        ...{ hypervisor: { driver: "fake", options: {} }, disks: { driver: "toy", options: {} } },
        ...{ network: undefined, volumes: undefined },
      },
      { ...common, ...directories, hostId: "a", hostName: "a" },
      registry,
    );
    const ports = { cell: "test", bus: world.bus, bootsMax: 4, drivers, inventory: inventoryOf("a") };
    compute = assembleCompute({ ...common, ...ports });
    while (!(await world.admin.host.list({})).hosts.some(({ id }) => id === "a"))
      await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
  });
  afterEach(async () => {
    await compute.stop({ guests: true, patienceMs: 100 });
    await world.stop();
  });

  const audit = () => {
    const wire = { bus: world.bus, clock: systemClock, ids: systemIds(0), log: silentLog };
    return createClient(hostAgentService, { ...wire, binding: hostBinding("test", "a") }).audit({});
  };
  const findings = async () => (await world.admin.doctor.examine({})).findings;
  const ball = (instanceId: string): Holding => ({ instanceId, ownerEpoch: 1, what: "ball 7" });

  it("is listed by the audit and found by the doctor, until what it keeps is released", async () => {
    expect(await findings()).to.deep.equal([]);
    keeper.balls.set("ball 7", ball("lost"));
    const { holdings } = await audit();
    expect(holdings).to.deep.equal([{ kind: "ball", ...ball("lost") }]);
    const [found, ...others] = await findings();
    expect(others).to.deep.equal([]);
    expect(found).to.include({ kind: "leak", subject: "machine lost" });
    expect(found?.message).to.equal(
      "Ball 7 is there (ball) on host host-a, and no machine actor knows of it.",
    );
    expect(judged(nothingLeaks(), [quiet({ findings: await findings() })])).to.have.length(1);
    const [holding] = (await drivers.audit()).holdings;
    if (holding === undefined) throw new Error("The holding is not there.");
    await drivers.keepers
      .find(({ kind }) => kind === holding.kind)
      ?.release(holding, AbortSignal.timeout(1_000));
    expect((await audit()).holdings).to.deep.equal([]);
    expect(await findings()).to.deep.equal([]);
  });

  it("keeps nothing of a machine that is gone, and all of another one and of a later epoch", async () => {
    const { instance } = await world.demo.instance.create({
      ...{ name: "web", flavor: "tiny", image: "tiny", wait: true },
    });
    const kept = [ball(instance.id), { ...ball("other"), what: "ball 8" }];
    const later = { ...ball(instance.id), ownerEpoch: 2, what: "ball 9" };
    for (const one of [...kept, later]) keeper.balls.set(one.what, one);
    await world.demo.instance.delete(instance.id, { wait: true });
    expect([...keeper.balls.keys()]).to.deep.equal(["ball 8", "ball 9"]);
  });

  it("is asked again until it releases what it keeps of a machine", async () => {
    const { instance } = await world.demo.instance.create({
      ...{ name: "web", flavor: "tiny", image: "tiny", wait: true },
    });
    keeper.balls.set("ball 7", ball(instance.id));
    keeper.failures = 2;
    await world.demo.instance.delete(instance.id, { wait: true });
    expect([keeper.failures, keeper.balls.size]).to.deep.equal([0, 0]);
    expect(await findings()).to.deep.equal([]);
  });

  it("may keep things for a machine that is there", async () => {
    const { instance } = await world.demo.instance.create({
      ...{ name: "web", flavor: "tiny", image: "tiny", wait: true },
    });
    keeper.balls.set("ball 7", ball(instance.id));
    expect(await findings()).to.deep.equal([]);
  });
});
