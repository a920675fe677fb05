/** Volumes of an instance, by value: what is committed of both rows when, and on whose word. */
import { expect } from "chai";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { Decision, HostFacts, RevolumeEvent } from "../../../../actors/control/instance/messages.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import type { HostDrivers } from "../../../../protocol/host-drivers.ts";
import type { SeenVolume } from "../../../../protocol/machine.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const abilities = { networks: [], volumes: ["file"], hotPlug: true, liveMigration: false, console: true };
const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: "fake" },
  abilities: { ...abilities, save: false },
};
const host: HostFacts = { name: "host-a", alive: true, drivers, storageId: "s" };
const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64" };
const gib = 1024 ** 3;

type Change = RevolumeEvent["change"];

function running(change: Partial<LoadedInstance["instance"]> = {}): LoadedInstance {
  const born = newborn(1_000, { storageId: "s", leaseEpoch: 1 });
  const loaded = { ...born, instance: { ...born.instance, shape, ...change } };
  return decide(loaded, observed(loaded)).next;
}

const event = (change: Change, facts: HostFacts | undefined = host): RevolumeEvent => ({
  ...{ kind: "revolume", change, operationId: "op", nowMs: 5_000, host: facts },
  request: { project: "demo", requestId: "r", contentHash: "h" },
});
const attachment = (volumeId: string, about: object = {}): Change => ({
  command: "volumeAttach",
  volume: {
    ...{ volumeId, project: "demo", epoch: 3, sizeGib: 2, storageId: "s", hostId: null, made: false },
    ...{ source: null, deleteOnTermination: false, ...about },
  },
});
const attach = (loaded: LoadedInstance, volumeId: string, about?: object, facts?: HostFacts): Decision =>
  decide(loaded, event(attachment(volumeId, about), facts));
const detach = (loaded: LoadedInstance, volumeId: string): Decision =>
  decide(loaded, event({ command: "volumeDetach", volumeId }));

const seen = (volumeId: string, epoch: number, state: SeenVolume["state"] = "attached"): SeenVolume => ({
  ...{ volumeId, epoch, state, sizeBytes: 2 * gib },
});
const had = ({ instance }: LoadedInstance) =>
  instance.volumes?.map(({ volumeId, place, epoch, change }) => [volumeId, place, epoch, change?.kind]);
const toldOf = ({ effects }: Decision) => {
  const ensure = effects.find((effect) => effect.kind === "ensure");
  return ensure?.spec.volumes?.map(({ volumeId, place, epoch }) => [volumeId, place, epoch]);
};
const rowsOf = ({ commit }: Decision) =>
  commit?.rows?.map((one) =>
    "patched" in one
      ? [one.patched, one.whereHas.instanceId, one.whereHas.epoch, one.set]
      : "removed" in one
        ? ["removed", one.removed]
        : "made" in one
          ? ["made", one.resource.noun, one.made.id]
          : [],
  ) ?? [];
const denialOf = ({ outcome }: Decision) =>
  outcome.kind === "denied" ? outcome.denial.reason : outcome.kind;

/** With `v` attached, as its host has said. */
function holding(about: object = {}): LoadedInstance {
  const { next } = attach(running(), "v", about);
  return decide(next, observed(next, { volumes: [seen("v", 4)] })).next;
}

/** Its host is lost, and proved so. */
const recovered: Parameters<typeof decide>[1] = {
  ...{ kind: "recover", operationId: "op-r", nowMs: 6_000 },
  fences: [
    {
      hostId: "a",
      hostName: "host-a",
      leaseEpoch: 1,
      proof: { kind: "operator", by: "me", atMs: 1 } as never,
    },
  ],
};

describe("instance: volumes that come, grow and go", () => {
  it("come with one commit for both rows, and are there, and made, when their host says so", () => {
    const decision = attach(running(), "v");
    expect(rowsOf(decision)).to.deep.equal([["v", null, 3, { instanceId: "i", epoch: 4, hostId: null }]]);
    expect(toldOf(decision)).to.deep.equal([["v", 0, 4]]);
    expect([had(decision.next), decision.next.instance.settled]).to.deep.equal([
      [["v", 0, 4, "attaching"]],
      false,
    ]);
    const { next } = decision;
    for (const volumes of [undefined, [], [seen("v", 4, "open")], [seen("v", 3)]]) {
      const heard = decide(next, observed(next, volumes && { volumes }));
      expect([rowsOf(heard), heard.next.instance.settled]).to.deep.equal([[], false]);
    }
    const there = decide(next, observed(next, { volumes: [seen("v", 4)] }));
    expect(rowsOf(there)).to.deep.equal([["v", "i", 4, { made: true, imageId: null }]]);
    expect(there.commit?.operations?.[0]?.state).to.equal("done");
    expect([had(there.next), there.next.instance.settled]).to.deep.equal([[["v", 0, 4, undefined]], true]);
  });

  it("are held until their host says, of the same intent or a later one, that it has none of them open", () => {
    const leaving = detach(holding(), "v");
    expect([toldOf(leaving), rowsOf(leaving)]).to.deep.equal([[], []]);
    const { next } = leaving;
    const early = { intentGeneration: next.instance.generation - 1, volumes: [] };
    for (const word of [early, {}, { volumes: [seen("v", 4)] }, { volumes: [seen("v", 4, "open")] }])
      expect(rowsOf(decide(next, observed(next, word)))).to.deep.equal([]);
    for (const volumes of [[], [seen("v", 4, "dead")]]) {
      const gone = decide(next, observed(next, { volumes }));
      expect(rowsOf(gone)).to.deep.equal([["v", "i", 4, { instanceId: null }]]);
      expect([had(gone.next), gone.commit?.operations?.[0]?.state]).to.deep.equal([[], "done"]);
      expect(gone.next.instance.settled).to.equal(true);
    }
  });

  it("leave at once when their guest is not to be asked, also when it is being asked already", () => {
    const force = (loaded: LoadedInstance) =>
      decide(loaded, event({ command: "volumeDetach", volumeId: "v", force: true }));
    const forcedOf = ({ effects }: Decision) => {
      const ensure = effects.find((effect) => effect.kind === "ensure");
      return ensure?.spec.forcedVolumes;
    };
    const v = { volumeId: "v", epoch: 4 };
    const once = force(holding());
    expect([toldOf(once), forcedOf(once)]).to.deep.equal([[], [v]]);
    const asked = detach(holding(), "v");
    expect(forcedOf(asked)).to.equal(undefined);
    const hurried = force(asked.next);
    expect([forcedOf(hurried), rowsOf(hurried)]).to.deep.equal([[v], []]);
    const states = hurried.commit?.operations?.map(({ kind, state }) => [kind, state]);
    expect(states).to.deep.equal([
      ["volumeDetach", "cancelled"],
      ["volumeDetach", "running"],
    ]);
    expect(hurried.next.instance.generation).to.equal(asked.next.instance.generation + 1);
    expect(denialOf(force(hurried.next)), "it is forced already").to.equal("operationUnderWay");
    expect(denialOf(detach(asked.next, "v")), "it leaves already").to.equal("notFound");
    expect(denialOf(force(attach(running(), "v").next)), "another command").to.equal("operationUnderWay");
    const early = observed(hurried.next, { intentGeneration: asked.next.instance.generation, volumes: [] });
    expect(rowsOf(decide(hurried.next, early)), "a word of before").to.deep.equal([]);
    const gone = decide(hurried.next, observed(hurried.next, { volumes: [seen("v", 4, "dead")] }));
    expect(rowsOf(gone)).to.deep.equal([["v", "i", 4, { instanceId: null }]]);
  });

  it("come to a guest that is down with its next start", () => {
    const loaded = running({ desired: "stopped" });
    const stopped = decide(loaded, observed(loaded, { state: "stopped" })).next;
    const { next } = attach(stopped, "v");
    const taken = decide(next, observed(next, { state: "stopped", volumes: [] }));
    expect([taken.commit?.operations?.[0]?.state, rowsOf(taken)]).to.deep.equal(["done", []]);
  });

  it("are there, and as large, when their instance is down on no host: nobody is left to say so", () => {
    const loaded = running({ desired: "stopped" });
    const stopped = decide(loaded, observed(loaded, { state: "stopped" })).next;
    const extend = event({ command: "volumeExtend", volumeId: "v", sizeGib: 3 });
    const held = attach(stopped, "v").next;
    const grown = decide(decide(held, observed(held, { state: "stopped", volumes: [] })).next, extend).next;
    for (const [next, told] of [
      [held, "volumeAttached"],
      [grown, "volumeExtended"],
    ] as const) {
      expect(had(next)?.[0]?.[3]).to.be.a("string");
      const lost = decide(next, recovered);
      expect([lost.next.instance.hostId, had(lost.next)?.[0]?.[3]]).to.deep.equal([null, undefined]);
      expect(lost.commit?.events?.map(({ event: name }) => name)).to.include(told);
      expect(lost.next.instance.settled).to.equal(true);
    }
  });

  it("get another epoch with every other host of their instance, in the commit that moves it", () => {
    const { next } = decide(holding(), recovered);
    expect([next.instance.hostId, had(next)]).to.deep.equal([null, [["v", 0, 4, undefined]]]);
    const placed = decide(next, {
      ...{ kind: "placed", ownerEpoch: next.instance.ownerEpoch, nowMs: 7_000 },
      placement: {
        ...{ kind: "host", hostId: "b", hostName: "host-b", leaseEpoch: 1, storageId: "s", numa: null },
      },
    });
    expect(rowsOf(placed)).to.deep.equal([["v", "i", 4, { epoch: 5 }]]);
    expect(toldOf(placed)).to.deep.equal([["v", 0, 5]]);
  });

  it("on their way out keep their instance from no second host, when the first one fails it", () => {
    const { next } = decide(detach(holding(), "v").next, recovered);
    const placed = decide(next, {
      ...{ kind: "placed", ownerEpoch: next.instance.ownerEpoch, nowMs: 7_000 },
      placement: {
        ...{ kind: "host", hostId: "b", hostName: "host-b", leaseEpoch: 1, storageId: "s", numa: null },
      },
    }).next;
    const failed = decide(placed, observed(placed, { state: "failed", reason: "diskFull", message: "" }));
    expect([failed.next.instance.hostId, failed.next.instance.failure]).to.deep.equal([null, null]);
    expect(failed.next.instance.excludedHosts.map(({ hostId }) => hostId)).to.deep.equal(["b"]);
  });

  it("are let go of with the last claim of a deleted instance, or deleted with it", () => {
    for (const deleteOnTermination of [false, true]) {
      const { next } = decide(holding({ deleteOnTermination }), command("delete"));
      expect(rowsOf(decide(next, observed(next, { state: "stopping" })))).to.deep.equal([]);
      const gone = decide(next, observed(next));
      const freed = ["v", "i", 4, { instanceId: null }];
      expect(rowsOf(gone)).to.deep.equal(
        deleteOnTermination ? [freed, ["removed", "v"], ["made", "deleted-volume", "v"]] : [freed],
      );
      expect(had(gone.next)).to.deep.equal([]);
    }
  });

  it("that were asked to leave before are not deleted with their instance", () => {
    const leaving = detach(holding({ deleteOnTermination: true }), "v").next;
    const { next } = decide(leaving, command("delete"));
    const gone = decide(next, observed(next));
    expect(rowsOf(gone)).to.deep.equal([["v", "i", 4, { instanceId: null }]]);
    expect(gone.commit?.events?.filter(({ noun }) => noun === "volume") ?? []).to.deep.equal([]);
  });

  it("fail without failing their instance when time is over: what came goes, and what goes still does", () => {
    const late = { kind: "reconcile", nowMs: 10_000_000, hostAlive: true, leaseEpoch: 1 } as const;
    const attached = decide(attach(running(), "v").next, late);
    expect([had(attached.next), toldOf(attached)]).to.deep.equal([[["v", 0, 4, "leaving"]], []]);
    expect([attached.next.instance.failure, attached.next.operation]).to.deep.equal([null, undefined]);
    const detached = decide(detach(holding(), "v").next, late);
    expect(had(detached.next)).to.deep.equal([["v", 0, 4, "leaving"]]);
    const { next } = detached;
    expect(rowsOf(decide(next, observed(next, { volumes: [] })))).to.have.length(1);
  });

  it("that fail take nothing along that an earlier operation was to attach, least of all a root disk", () => {
    const root = { ...attach(running(), "root").next };
    const begun = root.instance.volumes?.map((one) => ({ ...one, bootIndex: 0 })) ?? [];
    // Its create has ended, and its host has not said that the guest has it.
    const { operation: _, ...ended } = root;
    const quiet: LoadedInstance = {
      ...ended,
      operation: undefined,
      instance: { ...root.instance, volumes: begun, operationId: null },
    };
    const asked = attach(quiet, "v").next;
    const late = { kind: "reconcile", nowMs: 10_000_000, hostAlive: true, leaseEpoch: 1 } as const;
    const { next } = decide(asked, late);
    expect(had(next)?.map(([id, , , change]) => [id, change])).to.deep.equal([
      ["root", "attaching"],
      ["v", "leaving"],
    ]);
  });

  it("grow, and never shrink, until their guest is told of the size", () => {
    const extend = (sizeGib: number) =>
      decide(holding(), event({ command: "volumeExtend", volumeId: "v", sizeGib }));
    expect(denialOf(extend(1))).to.equal("schemaMismatch");
    const grown = extend(5);
    expect(rowsOf(grown)).to.deep.equal([["v", "i", 4, { sizeGib: 5 }]]);
    expect(grown.commit?.rows?.[0]).to.have.property("grows", 3);
    const { next } = grown;
    const told = (sizeBytes: number) =>
      decide(next, observed(next, { volumes: [{ ...seen("v", 4), sizeBytes }] })).next.operation?.state;
    expect([told(2 * gib), told(5 * gib)]).to.deep.equal(["running", undefined]);
  });

  it("are refused on another storage than what their instance has, also while it is on no host", () => {
    const loaded = running({ desired: "stopped" });
    const { instance } = decide(loaded, observed(loaded, { state: "stopped" })).next;
    const nowhere = (given: Partial<typeof instance>): LoadedInstance => ({
      ...{
        instance: { ...instance, hostId: null, ...given },
        machines: [],
        claims: [],
        operation: undefined,
      },
    });
    const attachTo = (given: Partial<typeof instance>, storageId: string | null) =>
      denialOf(decide(nowhere(given), { ...event(attachment("w", { storageId })), host: undefined }));
    expect(attachTo({}, "s"), "its disk is there").to.equal("accepted");
    expect(attachTo({}, "t")).to.equal("notPluggable");
    expect(attachTo({ storageId: null }, "t"), "nothing of it is shared").to.equal("accepted");
    const { volumes } = holding().instance;
    expect(attachTo({ storageId: null, volumes }, "t"), "another volume is on s").to.equal("notPluggable");
    expect(attachTo({ storageId: null, volumes }, "s")).to.equal("accepted");
    const seenTogether = [["s"], ["t", "s"]];
    const asked = { ...event(attachment("w", { storageId: "t" })), host: undefined, seenTogether };
    expect(denialOf(decide(nowhere({}), asked)), "a host sees both").to.equal("accepted");
  });

  it("come from each storage that the host sees, for disks or for volumes alone", () => {
    const seeing = { ...drivers, volumeStorages: [{ id: "t", kind: "nfs", sizeGib: 10 }] };
    const attachTo = (storageId: string) =>
      denialOf(attach(running(), "w", { storageId }, { ...host, drivers: seeing }));
    expect(["s", "t", "u"].map(attachTo)).to.deep.equal(["accepted", "accepted", "notPluggable"]);
  });

  it("are refused what cannot be, in words", () => {
    const loaded = running();
    const facts = (change: Partial<HostFacts>) => ({ ...host, ...change });
    expect(denialOf(attach(loaded, "v", {}, facts({ drivers: null })))).to.equal("notPluggable");
    expect(denialOf(attach(loaded, "v", {}, facts({ storageId: "other" })))).to.equal("notPluggable");
    expect(denialOf(attach(loaded, "v", { storageId: null, hostId: "b" }))).to.equal("notPluggable");
    const none = { ...drivers, abilities: { ...drivers.abilities, volumes: [] } };
    expect(denialOf(attach(loaded, "v", {}, facts({ drivers: none })))).to.equal("notPluggable");
    const cold = { ...drivers, abilities: { ...drivers.abilities, hotPlug: false } };
    expect(denialOf(attach(loaded, "v", {}, facts({ drivers: cold })))).to.equal("notPluggable");
    expect(denialOf(attach(holding(), "v"))).to.equal("inUse");
    const placed = { ...attachment("w"), place: 0 } as Change;
    expect(denialOf(decide(holding(), event(placed)))).to.equal("inUse");
    const long = "0190-aaaa-bbbb-cccc-";
    const one = attach(running(), `${long}1`).next;
    const alike = decide(one, observed(one, { volumes: [seen(`${long}1`, 4)] })).next;
    expect(denialOf(attach(alike, `${long}2`))).to.equal("inUse");
    expect(denialOf(detach(loaded, "v"))).to.equal("notFound");
    expect(denialOf(detach(detach(holding(), "v").next, "v"))).to.equal("notFound");
    expect(denialOf(attach(attach(running(), "v").next, "w"))).to.equal("operationUnderWay");
    expect(denialOf(attach(running({ shape: null }), "v"))).to.equal("notPluggable");
  });

  it("keep their instance on the host on whose own disk they are, and nothing else does", () => {
    const { next } = attach(running(), "v", { storageId: null });
    expect(next.instance.volumes?.[0]?.hostId).to.equal("a");
    expect(next.instance.movable).to.equal(false);
    expect(holding().instance.movable).to.equal(true);
  });

  it("stay as long as their instance when they are its root disk, of which its host is told", () => {
    const born = running();
    const root = { volumeId: "v", project: "demo", epoch: 4, place: 0, sizeGib: 2, storageId: "s" };
    const rest = { hostId: null, made: true, source: null, deleteOnTermination: true, bootIndex: 0 };
    const booted = { ...born, instance: { ...born.instance, volumes: [{ ...root, ...rest }] } };
    expect(denialOf(detach(booted, "v"))).to.equal("rootVolume");
    const grown = decide(booted, event({ command: "volumeExtend", volumeId: "v", sizeGib: 3 }));
    const ensure = grown.effects.find((effect) => effect.kind === "ensure");
    expect(ensure?.spec.volumes?.[0]).to.include({ volumeId: "v", bootIndex: 0, sizeBytes: 3 * gib });
    const data = attach(booted, "w");
    expect(had(data.next)?.map(([id, place]) => [id, place])).to.deep.equal([
      ["v", 0],
      ["w", 1],
    ]);
  });

  it("have the lowest free place, and no more than there are", () => {
    let loaded = running();
    for (let n = 0; n < 26; n += 1) {
      const { next } = attach(loaded, `v${n}`);
      const all = next.instance.volumes?.map(({ volumeId, epoch }) => seen(volumeId, epoch)) ?? [];
      loaded = decide(next, observed(next, { volumes: all })).next;
    }
    expect(had(loaded)?.map(([, place]) => place)).to.deep.equal(Array.from({ length: 26 }, (_, n) => n));
    expect(denialOf(attach(loaded, "more"))).to.equal("volumesFull");
    const leaving = detach(loaded, "v7").next;
    const rest = leaving.instance.volumes?.filter(({ volumeId }) => volumeId !== "v7") ?? [];
    const freed = decide(
      leaving,
      observed(leaving, { volumes: rest.map(({ volumeId, epoch }) => seen(volumeId, epoch)) }),
    ).next;
    expect(had(attach(freed, "more").next)?.[7]?.slice(0, 2)).to.deep.equal(["more", 7]);
  });
});
