/**
 * Which views and derived columns the scheduler keeps when it reads the hosts again, and which it must not
 * keep.
 */
import { expect } from "chai";
import fc from "fast-check";
import { FactsOfRead } from "../../../../actors/control/scheduler/facts.ts";
import { chunkLength } from "../../../../actors/control/scheduler/host-list.ts";
import { withHosts } from "../../../../actors/control/scheduler/refresh.ts";
import {
  emptyState,
  type HostView,
  type ReadHost,
  type SchedulerState,
  showsTheSame,
  viewOf,
  withClaim,
  withHost,
} from "../../../../actors/control/scheduler/state.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { host } from "./worlds.ts";

const idOf = (index: number) => `h${String(index).padStart(4, "0")}`;
const records = (count: number) => Array.from({ length: count }, (_, index) => host(idOf(index)));
const refreshed = (state: SchedulerState, hosts: readonly HostRecord[], readAtMs: number) =>
  withHosts(state, { kind: "refresh", hosts, readAtMs, wallMs: readAtMs });
/** Marks the columns of all chunks: a column that is derived anew loses its mark. */
const marked = (state: SchedulerState) => {
  state.hosts.chunks.forEach((chunk, index) => {
    chunk.worth = { index };
  });
  return state;
};
const worths = ({ hosts }: SchedulerState) => hosts.chunks.map(({ worth }) => worth !== undefined);
const plain = ({ source: _, heardAtMs: __, ...view }: HostView) => view;

describe("scheduler: reading the hosts again", () => {
  it("sees every field that a view shows", () => {
    const looked = new Set<string>();
    const one = host("a");
    const watched = new Proxy<ReadHost>(one, {
      get: (target, key) => {
        looked.add(String(key));
        return Reflect.get(target, key);
      },
    });
    viewOf(watched, { heardAtMs: 0, full: undefined, room: undefined }, new FactsOfRead());
    expect(looked.size).to.be.greaterThan(20);
    for (const field of looked) {
      if (field === "lastSeenAtMs") continue;
      const other = field === "lease" ? { ownerEpoch: 1, renewals: 1, fencedBy: {} } : { changed: true };
      expect(showsTheSame(one, { ...one, [field]: other } as ReadHost), field).to.equal(false);
    }
    expect(showsTheSame(one, { ...one })).to.equal(true);
  });

  it("keeps what was worked out of hosts that only beat, and nothing of a chunk with one that changed", () => {
    const hosts = records(3 * chunkLength);
    const state = marked(refreshed(emptyState(), hosts, 1));
    const beating = hosts.map((one) => ({ ...one, lastSeenAtMs: one.lastSeenAtMs + 1 }));
    expect(worths(refreshed(state, beating, 2))).to.deep.equal([true, true, true]);
    const changed = beating.map((one, at) => (at === chunkLength ? { ...one, instances: 1 } : one));
    expect(worths(refreshed(state, changed, 2))).to.deep.equal([true, false, true]);
    expect(worths(refreshed(state, hosts.slice(1), 2))).to.deep.equal([false, false, false]);
  });

  it("forgets what it had counted beyond the record", () => {
    const hosts = records(2);
    const claim = { vcpus: 1, memoryMib: 64, diskGib: 0 };
    const state = withHost(refreshed(emptyState(), hosts, 1), idOf(0), (view) => withClaim(view, claim, 1));
    expect(state.hosts.at(0)?.claimed.vcpus).to.equal((hosts[0]?.vcpusClaimed ?? 0) + 1);
    expect(refreshed(state, hosts, 2).hosts.at(0)?.claimed.vcpus).to.equal(hosts[0]?.vcpusClaimed);
  });

  it("shows the same as if it had never read before, whatever changes in between", () => {
    const change = fc.record({
      at: fc.nat(99),
      what: fc.constantFrom("instances", "enabled", "claim", "beat", "gone", "lease"),
    });
    const property = fc.property(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 8 }), (rounds) => {
      let hosts: readonly HostRecord[] = records(100);
      let state = refreshed(emptyState(), hosts, 0);
      rounds.forEach((changes, round) => {
        for (const { at, what } of changes) {
          if (what === "claim") {
            const claim = { vcpus: 1, memoryMib: 1, diskGib: 1 };
            state = withHost(state, idOf(at), (view) => withClaim(view, claim, 1));
          } else hosts = hosts.flatMap((one) => (one.id === idOf(at) ? changedHost(one, what) : [one]));
        }
        state = refreshed(state, hosts, round + 1);
        const fresh = refreshed(emptyState(), hosts, round + 1);
        expect([...state.hosts].map(plain)).to.deep.equal([...fresh.hosts].map(plain));
        expect(state.positions).to.deep.equal(fresh.positions);
      });
    });
    fc.assert(property, { numRuns: 50 });
  });
});

function changedHost(one: HostRecord, what: string): readonly HostRecord[] {
  if (what === "gone") return [];
  if (what === "instances") return [{ ...one, instances: one.instances + 1 }];
  if (what === "enabled") return [{ ...one, enabled: !one.enabled }];
  if (what === "beat") return [{ ...one, lastSeenAtMs: one.lastSeenAtMs + 1 }];
  return [{ ...one, lease: { leaseEpoch: 1, renewals: 1, storage: null, fencedBy: null } }];
}
