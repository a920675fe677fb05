/** The actors of instances that were created together: each tells its host once, and the reconciler waits. */
import { expect } from "chai";
import { InstanceRegistry } from "../../../../actors/control/instance/registry.ts";
import { actorLimits } from "../../../../actors/runtime/limits.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";
import { newborn } from "../../../support/instances.ts";
import { silentLog } from "../../../support/silent-log.ts";

const { beginningsPerSlice: slice, beginningsPauseMs: pauseMs } = actorLimits;

describe("instances created together", () => {
  let world: ActorWorld;
  /** The instances of which a host was told, in order. */
  let told: string[];
  let registry: InstanceRegistry;
  const unasked = async (): Promise<never> => {
    throw new Error("Nobody else is asked.");
  };
  beforeEach(() => {
    world = actorWorld();
    told = [];
    const facts = { name: "host-a", alive: true, leaseEpoch: 1, storageId: null };
    registry = new InstanceRegistry(world.system, {
      ...{ clock: world.clock, log: silentLog, ids: { next: () => "id" } },
      store: { instances: { load: unasked }, operations: { request: unasked } },
      ...{ commit: unasked, place: unasked, roomOn: () => undefined, hostFull: () => undefined },
      ...{ hostFacts: () => facts, fencesOf: () => [] },
      askHost: async (_hostId, { spec }) => {
        told.push(spec.instanceId);
        return new Promise(() => undefined);
      },
    });
  });
  afterEach(async () => {
    registry.close();
    await world.end();
  });

  it("tell hosts a slice at a time, and a nudge meanwhile starts none of them", async () => {
    const ids = Array.from({ length: 4 * slice }, (_, index) => `i${index}`);
    const loaded = newborn();
    registry.adopt(ids.map((id) => ({ ...loaded, instance: { ...loaded.instance, id } })));
    for (const id of ids) registry.nudge(id);
    await world.clock.settle();
    expect([registry.size, told]).to.deep.equal([slice, ids.slice(0, slice)]);
    await world.clock.advance(pauseMs);
    expect([registry.size, told]).to.deep.equal([2 * slice, ids.slice(0, 2 * slice)]);
    await world.clock.advance(2 * pauseMs);
    expect(told).to.deep.equal(ids);
  });
});
