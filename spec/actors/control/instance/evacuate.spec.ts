/** How an instance leaves a host: evacuated by an operator from a lost host, or moved from a drained one. */
import { expect } from "chai";
import type { Fence } from "../../../../actors/control/directory/fence-proof.ts";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { Decision, HostPlacement } from "../../../../actors/control/instance/messages.ts";
import { mayBePlaced } from "../../../../actors/control/instance/state.ts";
import type { InstanceRecord, LoadedInstance } from "../../../../actors/records/instance.ts";
import type { RecoveryPolicy } from "../../../../protocol/states.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const proof = {
  kind: "operator",
  by: "admin",
  reason: "It burnt.",
  confirmedName: "host-a",
  atMs: 1,
} as const;
const fences: readonly Fence[] = [{ hostId: "a", hostName: "host-a", leaseEpoch: 1, proof }];
const sentence = "the operator admin confirmed that host-a is off: It burnt.";

function running(policy: RecoveryPolicy = "restart", change: Partial<InstanceRecord> = {}): LoadedInstance {
  const born = newborn(1_000, { leaseEpoch: 1 });
  const recovery = { policy, priority: 0 };
  const instance = { ...born.instance, recovery, ...change };
  const loaded = { ...born, instance: { ...instance, movable: policy === "restart" } };
  return decide(loaded, observed(loaded)).next;
}

/** The instance's disk is in its host's own directory. */
const local = (): Partial<InstanceRecord> => {
  const { image } = newborn().instance;
  const disk = { sha256: "0".repeat(64), sizeBytes: 1, format: "qcow2", virtualSizeBytes: 1 } as const;
  return { image: { ...image, disk }, storageId: null };
};

const evacuate = (loaded: LoadedInstance, known = fences): Decision =>
  decide(loaded, { ...command("evacuate"), fences: known });
const denialOf = ({ outcome }: Decision) => (outcome.kind === "denied" ? outcome.denial : undefined);
const ensureOf = ({ effects }: Decision) => effects.find((effect) => effect.kind === "ensure");

describe("instance: evacuate", () => {
  for (const policy of ["restart", "wait", "leave"] as const)
    it(`takes one with policy ${policy} from its fenced host, with the proof in its steps`, () => {
      const decision = evacuate(running(policy));
      expect(decision.outcome).to.deep.equal({ kind: "accepted" });
      expect(decision.commit).to.deep.include({
        claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }],
        fencesExpected: [{ hostId: "a", leaseEpoch: 1 }],
      });
      expect(decision.next.operation).to.include({ kind: "evacuate", state: "running", step: "hostFenced" });
      expect(decision.next.operation?.steps.at(-1)?.message).to.equal(sentence);
      expect(decision.effects).to.deep.equal([{ kind: "place" }]);
      expect(decision.commit?.events?.map(({ event }) => event)).to.include("hostFenced");
    });

  it("tries the next host when the first one fails, whatever the policy", () => {
    const left = evacuate(running("wait")).next;
    const lease = { leaseEpoch: 1, storageId: null, numa: null };
    const place = { kind: "host", hostId: "b", hostName: "host-b", ...lease } as const;
    const placed = decide(left, {
      kind: "placed",
      placement: place,
      ownerEpoch: left.instance.ownerEpoch,
      nowMs: 5,
    }).next;
    const failed = decide(placed, observed(placed, { state: "failed", reason: "diskFull" })).next;
    expect(failed.instance).to.include({ hostId: null, failure: null });
    expect(failed.operation).to.include({ kind: "evacuate", state: "running" });
  });

  it("is refused while its host is not fenced, and says what to do", () => {
    const denial = denialOf(evacuate(running(), []));
    expect(denial).to.deep.equal({
      reason: "hostNotFenced",
      message: "Cannot evacuate instance i: its host host-a is not fenced.",
    });
  });

  it("is refused when it is on no host: there is nothing to wait for", () => {
    const stopping = decide(running(), command("stop")).next;
    const left = evacuate(decide(stopping, observed(stopping)).next).next;
    const again = { ...command("evacuate", { id: "again" }), host: undefined, fences: [] };
    expect(denialOf(decide(left, again))).to.deep.equal({
      reason: "onNoHost",
      message: "Cannot evacuate instance i: it is on no host.",
    });
  });

  it("is refused by a fence of a lease before the one that it was claimed under", () => {
    const older = [{ hostId: "a", hostName: "host-a", leaseEpoch: 0, proof }];
    expect(denialOf(evacuate(running(), older))?.reason).to.equal("hostNotFenced");
  });

  it("is refused when no other host can open its disk", () => {
    const denial = denialOf(evacuate(running("restart", local())));
    expect(denial?.reason).to.equal("diskNotShared");
    expect(denial?.message).to.contain("its disk is only on host-a");
  });

  it("of a stopped one is done at once: it starts elsewhere when it is started", () => {
    const stopping = decide(running(), command("stop")).next;
    const stopped = decide(stopping, observed(stopping)).next;
    const { next, effects } = evacuate(stopped);
    expect([next.instance.hostId, next.instance.state, next.operation]).to.deep.equal([
      null,
      "stopped",
      undefined,
    ]);
    expect(effects).to.deep.equal([]);
  });

  it("says to the host under whatever policy that the guest needs its lease", () => {
    for (const policy of ["wait", "leave"] as const) {
      const paused = decide(running(policy), command("pause"));
      expect(ensureOf(paused)?.spec).to.include({ fence: true, recovery: policy });
    }
    const kept = decide(running("restart", local()), command("pause"));
    expect(ensureOf(kept)?.spec.fence).to.equal(false);
  });
});

describe("instance: move", () => {
  const lease = { leaseEpoch: 1, storageId: null, numa: null };
  const place = { kind: "host", hostId: "b", hostName: "host-b", ...lease } as const;
  const move = (loaded: LoadedInstance, hostId = "a", to: HostPlacement | null = place) =>
    decide(loaded, { kind: "move", hostId, to, operationId: "op-move", nowMs: 5_000 });

  it("lets go, asks the guest to shut down, and waits for its host's word", () => {
    const decision = move(running());
    expect(decision.next.instance.hostId).to.equal(null);
    expect(decision.next.operation).to.include({ kind: "move", state: "running", step: "leaving" });
    expect(mayBePlaced(decision.next)).to.equal(false);
    // The next host is told nothing yet.
    expect(decision.effects).to.have.length(1);
    expect(ensureOf(decision)?.intent).to.deep.include({
      power: "deleted",
      keepDisk: true,
      stop: { mode: "graceful", timeoutMs: 60_000 },
    });
  });

  it("claims its room in the commit that lets it go, and keeps it while its host takes its time", () => {
    const decision = move(running());
    const room = { instanceId: "i", ownerEpoch: 2, hostId: "b", leaseEpoch: 1, vcpus: 1, memoryMib: 128 };
    expect(decision.commit?.claims).to.have.length(1);
    expect(decision.commit?.claims?.[0]).to.include(room);
    expect(decision.commit?.claimsReleased).to.deep.equal([]);
    const look = { kind: "reconcile", nowMs: 6_000, hostAlive: true, leaseEpoch: 0 } as const;
    const again = decide(decision.next, look);
    expect(again.next.claims).to.have.length(2);
    expect(again.next.instance.settled).to.equal(false);
    expect(again.effects.map((effect) => effect.kind)).to.deep.equal(["ensure"]);
  });

  it("without room for it is none, unless it is to be down", () => {
    for (const to of [null, { ...place, hostId: "a" }]) {
      const { commit, effects } = move(running(), "a", to);
      expect([commit, effects]).to.deep.equal([undefined, []]);
    }
  });

  it("gives its room back when it is to be down, or deleted, before it came there", () => {
    for (const name of ["stop", "delete"] as const) {
      const left = move(running()).next;
      const decision = decide(left, command(name));
      expect(decision.commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 2 }]);
      const gone = decide(decision.next, observed(decision.next, { state: "gone", intentGeneration: 9 }));
      expect(gone.next.claims).to.deep.equal([]);
      expect(gone.next.instance).to.include({ settled: true, hostId: null });
    }
  });

  it("takes its room under the lease that its host holds by then", () => {
    const left = move(running()).next;
    const { next } = decide(left, observed(left, { state: "gone", intentGeneration: 2 }));
    const placement = { ...place, leaseEpoch: 3 };
    const { commit } = decide(next, { kind: "placed", placement, ownerEpoch: 1, nowMs: 6_000 });
    expect(commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 2 }]);
    expect(commit?.claims?.[0]).to.include({ ownerEpoch: 2, hostId: "b", leaseEpoch: 3 });
  });

  it("goes where else there is room when its host cannot take it any more, and keeps it until then", () => {
    const left = move(running()).next;
    const { next } = decide(left, observed(left, { state: "gone", intentGeneration: 2 }));
    const denial = { reason: "noValidHost", message: "No host fits." } as const;
    const denied = decide(next, {
      kind: "placed",
      placement: { kind: "denied", denial },
      ownerEpoch: 1,
      nowMs: 6_000,
    });
    expect(denied.commit).to.equal(undefined);
    const placement = { ...place, hostId: "c" };
    const other = decide(denied.next, { kind: "placed", placement, ownerEpoch: 1, nowMs: 6_000 });
    expect(other.commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 2 }]);
    expect(other.next.claims.map(({ hostId, ownerEpoch }) => [hostId, ownerEpoch])).to.deep.equal([["c", 2]]);
    expect(other.next.instance).to.include({ hostId: "c", ownerEpoch: 2 });
  });

  it("loses its room with the lease of the host that it is on", () => {
    const left = move(running()).next;
    const lost = [{ ...fences[0], hostId: "b", hostName: "host-b" }] as typeof fences;
    const decision = decide(left, { kind: "recover", fences: lost, operationId: "op-r", nowMs: 9_000 });
    expect(decision.commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 2 }]);
    expect(decision.next.instance.hostId).to.equal(null);
    expect(mayBePlaced(decision.next)).to.equal(false);
    const gone = decide(decision.next, observed(decision.next, { state: "gone", intentGeneration: 2 }));
    expect(gone.effects).to.deep.equal([{ kind: "place" }]);
  });

  it("is placed when its host has said gone, and is done when it runs elsewhere", () => {
    const left = move(running()).next;
    const gone = decide(left, observed(left, { state: "gone", intentGeneration: 2 }));
    expect(gone.effects).to.deep.equal([{ kind: "place", keptOn: "b" }]);
    const { ownerEpoch } = gone.next.instance;
    const placed = decide(gone.next, { kind: "placed", placement: place, ownerEpoch, nowMs: 6_000 }).next;
    const done = decide(placed, observed(placed));
    expect(done.next.instance).to.include({ hostId: "b", state: "running", settled: true });
    expect(done.commit?.operations?.at(-1)).to.include({ kind: "move", state: "done" });
  });

  it("of a stopped one ends with its host's word, and starts nothing", () => {
    const stopping = decide(running(), command("stop")).next;
    const stopped = decide(stopping, observed(stopping)).next;
    const left = move(stopped, "a", null).next;
    expect(left.claims).to.have.length(1);
    const gone = decide(left, observed(left, { state: "gone", intentGeneration: 3 }));
    expect(gone.next.instance).to.include({ hostId: null, state: "stopped", settled: true });
    expect(gone.effects).to.deep.equal([]);
  });

  it("changes nothing twice, of another host, in the middle of something, or when it may not go", () => {
    const moved = move(running()).next;
    const rebooting = decide(running(), command("reboot")).next;
    const pausing = decide(running(), command("pause")).next;
    const paused = decide(pausing, observed(pausing)).next;
    const cases = [
      move(moved),
      move(running(), "b"),
      move(rebooting),
      move(paused),
      move(newborn()),
      move(running("wait")),
      move(running("restart", local())),
    ];
    for (const { commit, effects } of cases) expect([commit, effects]).to.deep.equal([undefined, []]);
  });

  it("of a guest whose host dies meanwhile is a recovery: a fence stands for its host's word", () => {
    const left = move(running()).next;
    const decision = decide(left, { kind: "recover", fences, operationId: "op-r", nowMs: 9_000 });
    expect(decision.commit?.claimsReleased).to.deep.equal([{ instanceId: "i", ownerEpoch: 1 }]);
    expect(decision.effects).to.deep.equal([{ kind: "place", keptOn: "b" }]);
  });
});
