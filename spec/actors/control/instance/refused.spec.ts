/** What a host's refusal to write an intent down does to its instance. */
import { expect } from "chai";
import { decide } from "../../../../actors/control/instance/decide.ts";
import type { RefusedEvent } from "../../../../actors/control/instance/messages.ts";
import { newborn, observed } from "../../../support/instances.ts";

const refused = (changes: Partial<RefusedEvent> = {}): RefusedEvent => ({
  ...{ kind: "refused", hostId: "a", ownerEpoch: 1, generation: 1, reason: "diskFull" },
  ...{ message: "No space is left.", nowMs: 5_000, ...changes },
});

describe("a refusal by a host whose disk is full", () => {
  it("sends a build to another host", () => {
    const { next } = decide(newborn(), refused());
    expect(next.instance.hostId).to.equal(null);
    expect(next.instance.excludedHosts).to.deep.equal([{ hostId: "a", reason: "No space is left." }]);
  });

  it("is none once the host has said that it took the intent up", () => {
    const loaded = newborn();
    const { next } = decide(loaded, observed(loaded, { state: "starting" }));
    expect(decide(next, refused())).to.include({ next, commit: undefined });
  });

  it("of another host, owner epoch or generation is none", () => {
    const loaded = newborn();
    for (const changes of [{ hostId: "b" }, { ownerEpoch: 2 }, { generation: 2 }])
      expect(decide(loaded, refused(changes)).commit, JSON.stringify(changes)).to.equal(undefined);
  });
});
