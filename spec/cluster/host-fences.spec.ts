/**
 * Fences by hand of hosts in a surprising state: still renewing when their power is cut, back again, or
 * fenced already. A client, a memory bus, a memory store, and hosts that do what the test says.
 */
import { expect } from "chai";
import type { PowerFence } from "../../actors/ports/power.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const burnt = { confirm: "host-a", reason: "It burnt.", force: true };
const powered = { confirm: "host-a", power: true };

describe("the fence of a host", function () {
  this.timeout(60_000);
  let world: World;
  let first: Awaited<ReturnType<World["host"]>>;
  /** What happens while the power is cut. */
  let meanwhile: () => Promise<unknown>;
  const power: PowerFence = {
    has: () => true,
    off: async () => {
      await meanwhile();
      return { kind: "redfish", at: "https://bmc.example", said: "PowerState Off", tookMs: 5 };
    },
  };
  beforeEach(async () => {
    meanwhile = async () => undefined;
    world = await controllerWorld({ power });
    first = await world.host("a");
    await first.lease(1);
  });
  afterEach(() => world.stop());

  const leaseOf = async (host: string) => (await world.admin.host.get(host, {})).host.lease;

  it("by its power holds though the host renewed while the power was cut", async () => {
    meanwhile = () => first.lease(1);
    const { host } = await world.admin.host.fence("a", powered);
    expect(host.lease).to.include({ leaseEpoch: 1, state: "fenced" });
    expect(await leaseOf("a")).to.include({ leaseEpoch: 1, state: "fenced" });
  });

  it("by its power is proved again when what the host had said before is written beside it", async () => {
    let asked = 0;
    meanwhile = async () => {
      asked += 1;
    };
    const { store } = world;
    const commit = store.commit.bind(store);
    let late = 2;
    store.commit = async (turn, ...rest) => {
      if (turn.leasesFenced !== undefined && late-- > 0)
        await store.signsOfLife.renew([{ hostId: "a", leaseEpoch: 1, storageId: null }]);
      return commit(turn, ...rest);
    };
    const { host } = await world.admin.host.fence("a", powered);
    expect([asked, host.lease?.state]).to.deep.equal([3, "fenced"]);
    const { events } = await world.admin.event.list({ after: 0, noun: "host", id: "a", limit: 1_000 });
    expect(events.map(({ event }) => event)).to.deep.equal(["registered", "fenced", "operationEnded"]);
  });

  it("of one that is fenced already is remembered: its id never fences the host that came back", async () => {
    const again = { requestId: "again" };
    await world.admin.host.fence("a", burnt);
    const one = await world.admin.host.fence("a", { ...burnt, reason: "I said so." }, again);
    expect(one.host.lease).to.include({ leaseEpoch: 1, state: "fenced" });
    expect(await first.lease(1, true)).to.deep.equal({ leaseEpoch: 2, held: true });
    const two = await world.admin.host.fence("a", { ...burnt, reason: "I said so." }, again);
    expect(two).to.deep.equal(one);
    expect(await leaseOf("a")).to.include({ leaseEpoch: 2, state: "held" });
    const other = await refused(world.admin.host.fence("a", burnt, again));
    expect(other.reason).to.equal("requestIdReused");
  });
});
