/** I7: remains of an instance that is gone, or on another host, are found. */
import { expect } from "chai";
import { nothingLeaks } from "../../../actors/promises/i07-nothing-leaks.ts";
import { amounts, committed, facts, judged, quiet } from "./worlds.ts";

const found = (change: Parameters<typeof quiet>[0]) => judged(nothingLeaks(), [quiet(change)]);
const guest = { hostId: "h1", instanceId: "i", pid: 7, running: true };
const remains = { hostId: "h1", instanceId: "i", what: "a directory" };
const claim = { ...amounts(1), instanceId: "i", ownerEpoch: 1, hostId: "h1" };
const gone = facts("i", { state: "deleted", deleted: true, hostId: null });

describe("promise I7, nothing leaks", () => {
  it("is kept by an instance with its one process, its files and its claim", () => {
    const all = { guests: [guest], remains: [remains], claims: [claim] };
    expect(found({ instances: [facts("i")], ...all })).to.deep.equal([]);
    expect(found({ instances: [gone] })).to.deep.equal([]);
  });

  it("is broken by a process of an instance that is unknown, deleted, stopped or elsewhere", () => {
    const stopped = facts("i", { state: "stopped" });
    for (const instances of [[], [gone], [stopped], [facts("i", { hostId: "h2" })]]) {
      expect(found({ instances, guests: [guest] })).to.have.length(1);
    }
  });

  it("is broken by remains of an instance that is unknown, deleted or elsewhere", () => {
    for (const instances of [[], [gone], [facts("i", { hostId: "h2" })], [facts("i", { hostId: null })]]) {
      expect(found({ instances, remains: [remains] })).to.have.length(1);
    }
    const stopped = facts("i", { state: "stopped" });
    expect(found({ instances: [stopped], remains: [remains] })).to.deep.equal([]);
  });

  it("is broken by a claim of an instance that is unknown or deleted, and by a second one", () => {
    expect(found({ claims: [claim] })).to.have.length(1);
    expect(found({ instances: [gone], claims: [claim] })).to.have.length(1);
    const second = { ...claim, ownerEpoch: 2, hostId: "h2" };
    expect(found({ instances: [facts("i")], claims: [claim, second] })).to.deep.equal([
      "Instance i holds 2 claims: h1 (epoch 1), h2 (epoch 2).",
    ]);
  });

  it("is broken by whatever the doctor finds, but for its advice", () => {
    const finding = { subject: "host one", message: "A stray socket." };
    for (const kind of ["leak", "drift", "stuck"] as const)
      expect(found({ findings: [{ kind, ...finding }] })).to.deep.equal([
        `The doctor says: ${kind}, host one: A stray socket.`,
      ]);
    expect(found({ findings: [{ kind: "advice", ...finding }] })).to.deep.equal([]);
  });

  it("is kept by what is left on a host that was removed and is off, until it has registered again", () => {
    const still = quiet({ instances: [facts("i", { hostId: "h2" })], remains: [remains] });
    const removed = committed({ hostsRemoved: [{ hostId: "h1", parked: false }] });
    const about = {
      noun: "host",
      id: "h1",
      event: "registered",
      body: {},
      project: "admin",
      atMs: 1,
    } as const;
    expect(judged(nothingLeaks(), [removed, still])).to.deep.equal([]);
    expect(judged(nothingLeaks(), [removed, committed({ events: [about] }), still])).to.have.length(1);
  });

  it("is kept where a removed host has come back with what was left there of a volume", () => {
    const finding = { kind: "leak", subject: "volume v", message: "Its file is there." } as const;
    const file = { volumeId: "v", epoch: 1, place: "h1", sizeGib: 1, openFor: [] };
    const none = { rows: [], deleted: [], attached: [], inGuests: [] };
    const still = quiet({ findings: [finding], volumes: { ...none, files: [file] } });
    expect(judged(nothingLeaks(), [still])).to.have.length(1);
    const removed = committed({ hostsRemoved: [{ hostId: "h1", parked: false }] });
    expect(judged(nothingLeaks(), [removed, still])).to.deep.equal([]);
    const other = quiet({
      findings: [{ ...finding, subject: "volume w" }],
      volumes: { ...none, files: [file] },
    });
    expect(judged(nothingLeaks(), [removed, other])).to.have.length(1);
  });
});
