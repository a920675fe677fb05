/** I3 for groups and quotas as they are seen in the end, also from outside. */
import { expect } from "chai";
import type { InstanceFacts, Quiet } from "../../../actors/promises/facts.ts";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Event } from "../../../protocol/event.ts";
import { facts, judged, quiet, told } from "./worlds.ts";

const found = (change: Partial<Quiet>) => judged(neverOverfull(), [quiet(change)]);
const group = (policy: "affinity" | "anti-affinity" | "soft-anti-affinity", hostIds: readonly string[]) => ({
  groups: [{ id: "g", policy, maxPerHost: null, hostIds }],
});

describe("promise I3 at rest, groups", () => {
  it("is kept by members on their hosts, and by soft rules wherever they are", () => {
    expect(found(group("anti-affinity", ["h1", "h2"]))).to.deep.equal([]);
    expect(found(group("affinity", ["h1", "h1"]))).to.deep.equal([]);
    expect(found(group("soft-anti-affinity", ["h1", "h1"]))).to.deep.equal([]);
    expect(
      found({ groups: [{ ...group("anti-affinity", ["h1", "h1"]).groups[0], maxPerHost: 2 } as never] }),
    ).to.deep.equal([]);
  });

  it("is broken by members that are where they may not be", () => {
    expect(found(group("anti-affinity", ["h1", "h2", "h1"]))).to.deep.equal([
      "On host h1 are 2 members of the anti-affinity group g.",
    ]);
    expect(found(group("affinity", ["h2", "h1"]))).to.deep.equal([
      "The members of the affinity group g are on h1 and h2.",
    ]);
  });
});

const size = { instances: 1, vcpus: 2, memoryMib: 64 };
const one = (id: string, change: Partial<InstanceFacts> = {}) => facts(id, { size, ...change });
const used = (instances: number) => [
  { project: "demo", used: { instances, vcpus: 2 * instances, memoryMib: 64 * instances } },
];

describe("promise I3 at rest, quotas", () => {
  it("is broken by a sum that is not what the project has", () => {
    const instances = [one("i"), one("j", { deleted: true }), one("k", { project: "other" })];
    expect(found({ instances, quotas: used(1) })).to.deep.equal([]);
    expect(found({ instances, quotas: used(2) })).to.deep.equal([
      "The project demo counts 2 instances as used, and has 1.",
      "The project demo counts 4 vcpus as used, and has 2.",
      "The project demo counts 128 memoryMib as used, and has 64.",
    ]);
  });

  const born = (sequence: number, id: string): Event =>
    told(sequence, { id, event: "accepted", body: { command: "create" } });
  const gone = (sequence: number, id: string): Event => told(sequence, { id, event: "deleted", body: {} });
  const limit = (sequence: number, body: Event["body"]): Event =>
    told(sequence, { noun: "quota", id: "demo", project: "admin", event: "changed", body });
  const two = { instances: [one("i"), one("j", { deleted: true })], quotas: used(1) };

  it("is kept by creates within the quota of their moment", () => {
    const events = [limit(1, { project: "demo", instances: 1 }), born(2, "j"), gone(3, "j"), born(4, "i")];
    expect(found({ ...two, events })).to.deep.equal([]);
    const lowered = [born(1, "j"), born(2, "i"), limit(3, { project: "demo", instances: 0 }), gone(4, "j")];
    expect(found({ ...two, events: lowered })).to.deep.equal([]);
  });

  it("is broken by a create above it, also above the default", () => {
    const both = (quota: Event["body"]) => [limit(1, quota), born(2, "j"), born(3, "i"), gone(4, "j")];
    expect(found({ ...two, events: both({ project: "demo", instances: 1 }) })).to.deep.equal([
      "A create brought the project demo to 2 instances of 1.",
    ]);
    expect(found({ ...two, events: both({ vcpus: 3 }) })).to.deep.equal([
      "A create brought the project demo to 4 vcpus of 3.",
    ]);
    expect(found({ ...two, events: both({ project: "demo", instances: -1 }) })).to.deep.equal([]);
  });

  it("counts what was there before the first event that is kept", () => {
    const instances = [one("i"), one("j")];
    const events = [limit(1, { project: "demo", instances: 1 }), born(2, "i")];
    expect(found({ instances, quotas: used(2), events })).to.have.length(1);
  });
});
