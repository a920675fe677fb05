/**
 * The actors of hosts on simulated time and a store in memory: in memory only while there is something to do,
 * two controllers with the same host, and what a fence by power rests on.
 */
import { expect } from "chai";
import { type HostActorOptions, type Hosts, hostActors } from "../../../../actors/control/host/actor.ts";
import { hostLimits } from "../../../../actors/control/host/limits.ts";
import type { HostAnswer, HostCommand } from "../../../../actors/control/host/messages.ts";
import { Surveys } from "../../../../actors/control/host/survey.ts";
import { wakerDefinition } from "../../../../actors/control/host/waker.ts";
import type { PowerFence } from "../../../../actors/ports/power.ts";
import { createActorSystem } from "../../../../actors/runtime/actor.ts";
import type { ActorSystem } from "../../../../actors/runtime/system.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import * as rows from "../../../support/store-rows.ts";
import { empty } from "./worlds.ts";

const off = { kind: "redfish", at: "https://bmc.example", said: "off", tookMs: 5 } as const;

interface Controller {
  readonly hosts: Hosts;
  readonly system: ActorSystem;
}

describe("the actors of hosts", () => {
  let world: ActorWorld;
  let store: MemoryStore;
  let open: Controller[];
  let power: PowerFence;
  let requests = 0;
  beforeEach(async () => {
    world = actorWorld();
    store = new MemoryStore(world.clock);
    open = [];
    power = { has: () => true, off: async () => off };
    const hosts = ["a", "b"].map((id) => rows.inventory(id, { name: `host-${id}` }));
    const leasesGranted = hosts.map(({ hostId }) => ({ hostId, leaseEpoch: 1 }));
    await store.commit({ hosts, leasesGranted });
  });
  afterEach(async () => {
    for (const one of open) await stop(one);
    await world.end();
  });

  /** What one controller has. */
  const controller = (change: Partial<HostActorOptions> = {}): Controller => {
    const { clock } = world;
    const system = createActorSystem({ clock, log: silentLog });
    clock.watch(() => system.busy);
    const directory = { alive: () => true };
    const placer = { place: async () => Promise.reject(new StatusError("noValidHost", "No host fits.")) };
    const hosts = hostActors(system, {
      ...{ store, clock, ids: systemIds(open.length), log: silentLog },
      commit: (commit) => store.commit(commit),
      surveys: new Surveys({ store, directory, placer }),
      power: { has: (name) => power.has(name), off: (name, signal) => power.off(name, signal) },
      seen: () => ({ alive: false, silentMs: 20_000, spaces: undefined }),
      move: () => undefined,
      hostsChanged: () => undefined,
      ...change,
    });
    open.push({ hosts, system });
    return { hosts, system };
  };
  const stop = async ({ hosts, system }: Controller) => {
    hosts.close();
    const stopped = system.stop();
    await world.clock.settle();
    await stopped;
  };
  const wake = ({ hosts, system }: Controller) =>
    system.spawn(wakerDefinition({ store, wake: (id) => void hosts.tell(id, { kind: "look" }) }));
  const ask = async ({ hosts }: Controller, asked: HostCommand, id = "a"): Promise<HostAnswer> => {
    requests += 1;
    const request = { project: "admin", requestId: `r${requests}`, contentHash: "hash" };
    const found = await store.hosts.get(id);
    if (found === undefined) throw new Error("There is no such host.");
    const deadlineMs = world.clock.monotonicMs() + 10_000;
    const signal = new AbortController().signal;
    const answer = hosts.ask<HostAnswer>(id, (reply) => ({ kind: "command", asked, request, found, reply }), {
      deadlineMs,
      signal,
    });
    await world.clock.settle();
    return answer;
  };
  const drain = { command: "drain", reason: "disk", there: empty } as const;
  const fence = { command: "fence", words: { confirm: "host-a", power: true }, powered: true } as const;
  const states = async () =>
    (await store.operations.list({ noun: "host", entityIds: ["a"], limit: 10 })).rows.map(
      ({ operation }) => operation.state,
    );

  it("a thousand at rest are in nobody's memory; one that is drained is, until it is empty and idle", async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => rows.inventory(`h${n}`, { name: `h${n}` }));
    await store.commit({ hosts: many });
    const one = controller();
    const { hosts } = one;
    wake(one);
    await world.clock.advance(30_000);
    expect(hosts.size).to.equal(0);
    await ask(one, drain, "h7");
    expect([hosts.size, hosts.has("h7")]).to.deep.equal([1, true]);
    await world.clock.advance(3_000);
    expect((await store.hosts.get("h7"))?.draining).to.equal(null);
    await world.clock.advance(hostLimits.hostIdleMs + 2 * hostLimits.hostSweepMs);
    expect(hosts.size).to.equal(0);
  });

  it("of two controllers decide by the row: each hears what the other one has done", async () => {
    const [one, other] = [controller(), controller()];
    await ask(one, { command: "disable", reason: "one" });
    await ask(other, { command: "enable" });
    const { host } = await ask(one, { command: "disable", reason: "again" });
    expect(host).to.include({ enabled: false, disabledReason: "again" });
    const { version = 0, registeredAtMs = 0 } = (await store.hosts.get("a")) ?? {};
    expect(version - registeredAtMs).to.equal(3);
  });

  it("answer a repeated request as before, at another controller too", async () => {
    const first = await ask(controller(), drain);
    requests -= 1;
    expect(await ask(controller(), drain)).to.deep.equal(first);
    expect(await states()).to.have.length(1);
  });

  it("end a drain that a controller which is gone has begun", async () => {
    const gone = controller();
    await store.commit(rows.catalog);
    const row = rows.instance("i1", { hostId: "a", ownerEpoch: 1, built: true, storageId: "s" });
    await store.commit({
      instances: [{ expectedVersion: 0, row }],
      claims: [rows.claim("i1", "a", { leaseEpoch: 1 })],
    });
    await ask(gone, { ...drain, there: { ...empty, owned: [row] } });
    await stop(gone);
    const left = { ...rows.next(row), hostId: null, desired: "stopped" as const };
    const claimsReleased = [{ instanceId: "i1", ownerEpoch: 1 }];
    await store.commit({ instances: [{ expectedVersion: 1, row: left }], claimsReleased });
    wake(controller());
    await world.clock.advance(5_000);
    expect(await states()).to.deep.equal(["done"]);
  });

  it("fence by no answer of the power that was given before the host could have started again", async () => {
    let answers = 0;
    power = {
      has: () => true,
      off: async () => {
        answers += 1;
        return off;
      },
    };
    let slow = true;
    // The lease is read late after the first answer: the host may be on again.
    const get = async (id: string) => {
      if (answers === 1 && slow) {
        slow = false;
        await new Promise<void>((resolve) => world.clock.after(hostLimits.powerProofMs + 1, resolve));
      }
      return store.hosts.get(id);
    };
    const hosts = controller({ store: { hosts: { get }, operations: store.operations } });
    const { host, operation } = await ask(hosts, fence);
    expect([host.lease?.state, operation?.state]).to.deep.equal(["ended", "running"]);
    await world.clock.advance(10_000);
    expect(answers).to.equal(2);
    expect((await store.hosts.get("a"))?.lease?.fencedBy).to.include({ kind: "power" });
    expect(await states()).to.deep.equal(["done"]);
  });

  it("fail a fence whose power controller does, and fence nothing", async () => {
    power = { has: () => true, off: async () => Promise.reject(new StatusError("powerNotOff", "It is on.")) };
    await ask(controller(), fence);
    await world.clock.advance(1_000);
    expect(await states()).to.deep.equal(["failed"]);
    expect((await store.hosts.get("a"))?.lease?.fencedBy).to.equal(null);
  });

  it("go on with a fence of a controller that is gone, after its time", async () => {
    let asked = 0;
    power = { has: () => true, off: async () => new Promise(() => undefined) };
    const gone = controller();
    await ask(gone, fence);
    await stop(gone);
    power = {
      has: () => true,
      off: async () => {
        asked += 1;
        return off;
      },
    };
    wake(controller());
    await world.clock.advance(hostLimits.powerTakeOverMs - 5_000);
    expect([asked, await states()]).to.deep.equal([0, ["running"]]);
    await world.clock.advance(10_000);
    expect([asked, await states()]).to.deep.equal([1, ["done"]]);
  });
});
