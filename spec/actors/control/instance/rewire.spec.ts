/** Interfaces that come to an instance and leave it, by value: what is committed when, and on whose word. */
import { expect } from "chai";
import { decide } from "../../../../actors/control/instance/decide.ts";
import { withAttached } from "../../../../actors/control/instance/interfaces.ts";
import type { Decision, HostFacts, RewireEvent } from "../../../../actors/control/instance/messages.ts";
import type { InterfaceRecord, LoadedInstance } from "../../../../actors/records/instance.ts";
import { networkedDrivers } from "../../../support/host-drivers.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const drivers = networkedDrivers({ abilities: { hotPlug: true }, networking: { publishes: false } });
const host: HostFacts = { name: "host-a", alive: true, drivers };
const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64" };

const at = (portId: string, deleteWithInstance = true): InterfaceRecord => ({
  ...{ portId, networkId: "n", mac: `mac ${portId}`, addresses: [], mtuBytes: 1_400, deleteWithInstance },
});

function running(...portIds: readonly string[]): LoadedInstance {
  const born = newborn();
  const instance = { ...born.instance, shape, interfaces: portIds.map((id) => at(id)) };
  const loaded = { ...born, instance };
  return decide(loaded, observed(loaded, { ports: [...portIds] })).next;
}

const event = (rewiring: RewireEvent["rewiring"], facts: HostFacts = host): RewireEvent => ({
  ...{ kind: "rewire", rewiring, operationId: "op", nowMs: 5_000, host: facts },
  request: { project: "demo", requestId: "r", contentHash: "h" },
});
const attachment = (portId: string, isLimited = false): RewireEvent["rewiring"] => ({
  ...{ command: "interfaceAttach", interface: at(portId), rows: [], events: [], isLimited },
});
const attach = (loaded: LoadedInstance, portId: string, facts?: HostFacts): Decision =>
  decide(loaded, event(attachment(portId), facts));
const detach = (loaded: LoadedInstance, portId: string, facts?: HostFacts): Decision =>
  decide(loaded, event({ command: "interfaceDetach", portId }, facts));

const wired = ({ instance }: LoadedInstance) =>
  instance.interfaces?.map(({ portId, place, change }) => [portId, place, change?.kind]);
const toldOf = ({ effects }: Decision) => {
  const ensure = effects.find((effect) => effect.kind === "ensure");
  return ensure?.spec.interfaces?.map(({ portId, place }) => [portId, place]);
};
const freed = ({ commit }: Decision) =>
  commit?.rows?.flatMap((one) => ("removed" in one ? `${one.resource.noun} ${one.removed}` : [])) ?? [];
const denialOf = ({ outcome }: Decision) =>
  outcome.kind === "denied" ? outcome.denial.reason : outcome.kind;

const late = { kind: "reconcile", nowMs: 10_000_000, hostAlive: false, leaseEpoch: 0 } as const;

describe("instance: interfaces that come and go", () => {
  it("come with the commit, are told at once, and are there when their host says so", () => {
    const decision = attach(running("p1"), "p2");
    expect(toldOf(decision)).to.deep.equal([
      ["p1", 0],
      ["p2", 1],
    ]);
    expect(wired(decision.next)?.[1]).to.deep.equal(["p2", 1, "attaching"]);
    expect([decision.next.operation?.kind, decision.next.instance.settled]).to.deep.equal([
      "interfaceAttach",
      false,
    ]);
    const silent = decide(decision.next, observed(decision.next));
    expect([silent.next.operation?.state, silent.next.instance.settled]).to.deep.equal(["running", false]);
    const there = decide(silent.next, observed(silent.next, { ports: ["p1", "p2"] }));
    expect(there.commit?.operations?.[0]?.state).to.equal("done");
    expect(wired(there.next)?.[1]).to.deep.equal(["p2", 1, undefined]);
    expect(there.next.instance.settled).to.equal(true);
  });

  it("hold their port until their host says, of the same intent or a later one, that it has none of it", () => {
    const leaving = detach(running("p1", "p2"), "p1");
    expect(toldOf(leaving)).to.deep.equal([["p2", 1]]);
    expect(freed(leaving)).to.deep.equal([]);
    const { next } = leaving;
    const early = { intentGeneration: next.instance.generation - 1, ports: ["p2"] };
    for (const word of [early, {}, { ports: ["p1", "p2"] }]) {
      const heard = decide(next, observed(next, word));
      expect([freed(heard), wired(heard.next)?.length]).to.deep.equal([[], 2]);
    }
    const gone = decide(next, observed(next, { ports: ["p2"] }));
    expect(freed(gone)).to.deep.equal(["plug p1", "port p1"]);
    expect([wired(gone.next), gone.commit?.operations?.[0]?.state]).to.deep.equal([
      [["p2", 1, undefined]],
      "done",
    ]);
  });

  it("leave a port that was there before them", () => {
    const loaded = running();
    const instance = { ...loaded.instance, interfaces: [at("p1", false)] };
    const { next } = detach({ ...loaded, instance }, "p1");
    expect(freed(decide(next, observed(next, { ports: [] })))).to.deep.equal(["plug p1"]);
  });

  it("are let go of with the last claim, when their host says nothing any more", () => {
    const { next } = detach(running("p1", "p2"), "p1");
    const recovered = decide(
      { ...next, claims: [] },
      { ...observed(next), kind: "reconcile", hostAlive: false },
    );
    expect(freed(recovered)).to.include("plug p1");
    expect(wired(recovered.next)).to.deep.equal([["p2", 1, undefined]]);
  });

  it("fail without failing their instance when time is over: what came goes, and what goes still does", () => {
    const attached = decide(attach(running("p1"), "p2").next, late);
    expect(attached.commit?.operations?.[0]?.error?.reason).to.equal("hostUnreachable");
    expect(wired(attached.next)?.[1]).to.deep.equal(["p2", 1, "leaving"]);
    expect(toldOf(attached)).to.deep.equal([["p1", 0]]);
    const detached = decide(detach(running("p1"), "p1").next, late);
    expect(wired(detached.next)).to.deep.equal([["p1", 0, "leaving"]]);
    for (const { next } of [attached, detached]) {
      expect([next.instance.failure, next.instance.settled]).to.deep.equal([null, false]);
      const { generation } = next.instance;
      const last = decide(
        next,
        observed(next, { intentGeneration: generation, ports: ["p1"].slice(+(next === detached.next)) }),
      );
      expect(last.next.instance.settled).to.equal(true);
    }
  });

  it("are not given up because their host has no lease for a moment, but because it cannot plug them in", () => {
    const { next } = attach(running("p1"), "p2");
    const states = (["leaseLost", "hypervisorRefused"] as const).map(
      (reason) => decide(next, observed(next, { state: "running", reason })).next.operation?.state ?? "ended",
    );
    expect(states).to.deep.equal(["running", "ended"]);
  });

  it("that a later command overtakes are there when the guest starts again", () => {
    const { next } = attach(running("p1"), "p2");
    const stopped = decide(next, command("stop"));
    expect(stopped.commit?.operations?.map(({ kind, state }) => [kind, state])).to.deep.include([
      "interfaceAttach",
      "cancelled",
    ]);
    const down = decide(stopped.next, observed(stopped.next, { ports: ["p1"] })).next;
    expect([wired(down)?.[1], down.instance.settled]).to.deep.equal([["p2", 1, undefined], true]);
  });

  it("are nothing that an instance has to wait for which no host owns any more", () => {
    const { next } = attach(running("p1"), "p2");
    const stopping = decide(next, command("stop")).next;
    const fenced = {
      ...stopping,
      claims: [],
      machines: [],
      instance: { ...stopping.instance, hostId: null },
    };
    const ended = decide(fenced, { ...late, hostAlive: true, nowMs: 6_000 });
    expect(ended.commit?.operations?.map(({ kind, state }) => [kind, state])).to.deep.equal([
      ["stop", "done"],
    ]);
    expect(ended.next.instance.settled).to.equal(true);
    const left = detach(ended.next, "p1");
    expect([freed(left), left.commit?.operations?.[0]?.state]).to.deep.equal([
      ["plug p1", "port p1"],
      "done",
    ]);
  });

  it("are nothing that a paused guest has to be waited for", () => {
    const { next } = detach(running("p1"), "p1");
    const paused = decide(next, command("pause")).next;
    const seen = decide(paused, observed(paused, { ports: ["p1"] })).next;
    expect([seen.instance.settled, wired(seen)?.[0]?.[2]]).to.deep.equal([true, "leaving"]);
    const gone = decide(decide(seen, command("unpause")).next, observed(seen)).next;
    expect(gone.instance.settled).to.equal(false);
  });

  it("are refused while another command is under way, or where nothing could come of it", () => {
    const one = running("p1");
    const full = Array.from({ length: 7 }).reduce<LoadedInstance>((loaded, _, index) => {
      const { next } = attach(loaded, `more ${index}`);
      const ports = next.instance.interfaces?.map(({ portId }) => portId) ?? [];
      return decide(next, observed(next, { ports })).next;
    }, one);
    const { next: busy } = attach(one, "p2");
    const plain: HostFacts = { name: "host-a", alive: true, drivers: { ...drivers, network: null } };
    const fixed: HostFacts = {
      ...{ name: "host-a", alive: true },
      drivers: { ...drivers, abilities: { ...drivers.abilities, hotPlug: false } },
    };
    const networking = { mtuBytesMax: 1_300, spansHosts: false, underlay: null };
    const narrow: HostFacts = { ...host, drivers: { ...drivers, networking } };
    const operators: HostFacts = {
      ...host,
      drivers: { ...drivers, networking: { ...networking, mtuBytesMax: 1_500, hotPlug: false } },
    };
    const silent: HostFacts = { ...host, alive: false };
    const shapeless = { ...one, instance: { ...one.instance, shape: null } };
    const reasons = [
      ...[attach(full, "p9"), attach(busy, "p3"), detach(busy, "p1"), detach(one, "p3")],
      ...[attach(one, "p2", plain), attach(one, "p2", fixed), detach(one, "p1", fixed)],
      ...[attach(one, "p2", silent), attach(shapeless, "p2"), detach(one, "p1", silent)],
      ...[attach(one, "p2", narrow), detach(one, "p1", narrow)],
      ...[attach(one, "p2", operators), detach(one, "p1", operators)],
    ].map(denialOf);
    expect(reasons).to.deep.equal([
      ...["interfacesFull", "operationUnderWay", "operationUnderWay", "notFound"],
      ...["notPluggable", "notPluggable", "notPluggable"],
      ...["hostUnreachable", "notPluggable", "accepted", "notPluggable", "accepted"],
      ...["notPluggable", "accepted"],
    ]);
  });

  it("are refused where the host could never say that they are gone, and of a guest that cannot change", () => {
    const one = running("p1");
    const { networking: _, ...before } = drivers;
    const old: HostFacts = { ...host, drivers: before };
    const down = { ...one, instance: { ...one.instance, desired: "stopped" as const } };
    const stopped = decide(down, observed(down, { state: "stopped", ports: ["p1"] })).next;
    expect([attach(stopped, "p2", old), detach(stopped, "p1", old)].map(denialOf)).to.deep.equal([
      ...["notPluggable", "notPluggable"],
    ]);
    expect([attach(stopped, "p2"), detach(stopped, "p1")].map(denialOf)).to.deep.equal([
      ...["accepted", "accepted"],
    ]);
    // What a silent host was able to do is known: it goes on with the same guest when it is back.
    const abilities = { ...drivers.abilities, hotPlug: false };
    const fixed: HostFacts = { ...host, alive: false, drivers: { ...drivers, abilities } };
    expect(denialOf(detach(one, "p1", fixed))).to.equal("notPluggable");
  });

  it("with a limit are refused on a host that is known to keep none, and on no other", () => {
    const one = running("p1");
    const keeping = (limits?: boolean): HostFacts => {
      const networking = { mtuBytesMax: 9_000, spansHosts: false, underlay: null };
      const said = limits === undefined ? networking : { ...networking, limits };
      return { ...host, drivers: { ...drivers, networking: said } };
    };
    const limited = (facts: HostFacts) => denialOf(decide(one, event(attachment("p2", true), facts)));
    expect(limited(keeping(false))).to.equal("notPluggable");
    expect(limited(keeping())).to.equal("notPluggable");
    expect(limited(keeping(true))).to.equal("accepted");
    expect(denialOf(attach(one, "p2", keeping(false)))).to.equal("accepted");
  });

  it("take the first free place, and the one behind an interface that nobody asked for", () => {
    const placeOf = (interfaces: readonly InterfaceRecord[] | null) =>
      withAttached({ interfaces }, at("new"), { generation: 1, most: 3 })?.find(
        ({ portId }) => portId === "new",
      )?.place;
    expect(placeOf([])).to.equal(0);
    expect(placeOf(null)).to.equal(1);
    expect(placeOf([at("a"), at("b")])).to.equal(2);
    expect(placeOf([{ ...at("b"), place: 1 }])).to.equal(0);
    expect(placeOf([at("a"), at("b"), at("c")])).to.equal(undefined);
  });
});
