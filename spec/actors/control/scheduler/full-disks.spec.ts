/** Hosts that say that a file system is full: passed over while they say so, and not for ever. */
import { expect } from "chai";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { following, host, hostIds, knowing, ranking, refresh, request } from "./worlds.ts";

const full = { of: "state directory", freeMib: 0, totalMib: 900, full: true };
const heard = (said?: typeof full | null) =>
  ({ kind: "heard", hostId: "a", ...(said === undefined ? {} : { full: said }) }) as const;
const two = () => knowing(host("a"), host("b"));

describe("scheduler: hosts with a full disk", () => {
  it("are passed over until they say that there is room, whatever else is heard of them", () => {
    const state = following(two(), [heard(full), heard()]).next;
    expect(hostIds(ranking(state))).to.deep.equal(["b"]);
    const changed = refresh([host("a", { instances: 1 }), host("b")], 2);
    const again = following(state, [changed]).next;
    expect(hostIds(ranking(again, request(), 3))).to.deep.equal(["b"]);
    expect(hostIds(ranking(following(again, [heard(null)]).next, request(), 3))).to.have.members(["a", "b"]);
  });

  it("are tried again when this controller has not heard it for a while", () => {
    const state = following(two(), [heard(full)]).next;
    const lastMs = 1 + schedulerLimits.fullBelievedMs;
    const later = (atMs: number) =>
      following(
        state,
        [
          { kind: "heard", hostId: "b" },
          { kind: "heard", hostId: "a" },
        ],
        atMs,
      ).next;
    const at = (atMs: number) => {
      const fresh = following(later(atMs), [refresh([host("a"), host("b")], atMs)], atMs).next;
      return hostIds(ranking(fresh, request(), atMs));
    };
    expect(at(lastMs)).to.deep.equal(["b"]);
    expect(at(lastMs + 1)).to.have.members(["a", "b"]);
  });
});
