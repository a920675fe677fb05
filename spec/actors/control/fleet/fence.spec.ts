/** A fence by the host's power controller, when its proof grows old before the host lease is read. */
import { expect } from "chai";
import { type FenceOptions, fenceHost } from "../../../../actors/control/fleet/fence.ts";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import { hostView } from "../../../../actors/control/fleet/view.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import * as rows from "../../../support/store-rows.ts";

describe("a fence by the power", () => {
  it("rests on no proof that was made before the host could have started again", async () => {
    const clock = new SimulatedClock();
    const store = new MemoryStore(clock);
    const leasesGranted = [{ hostId: "a", leaseEpoch: 1 }];
    await store.commit({ hosts: [rows.inventory("a", { name: "h" })], leasesGranted });
    let proofs = 0;
    let slow = false;
    const options: FenceOptions = {
      ...{ store, clock, ids: systemIds(0), commit: (commit) => store.commit(commit) },
      directory: { refresh: async () => undefined, alive: () => true, get: () => undefined },
      placer: { hostsChanged: () => undefined },
      power: {
        has: () => true,
        off: async () => {
          proofs += 1;
          // After the first proof the next step takes so long that the host may be on again.
          slow = proofs === 1;
          return { kind: "redfish", at: "https://bmc.example", said: "off", tookMs: 5 };
        },
      },
      view: (host) => hostView(host, { alive: true, silentMs: 0, spaces: undefined }),
      find: async (key) => {
        if (slow) await clock.advance(fleetLimits.powerProofMs + 1);
        return (await store.getHost(key)) as HostRecord;
      },
    };
    const signal = new AbortController().signal;
    const call = {
      project: "admin",
      id: "a",
      requestId: "r",
      deadlineMs: 1e9,
      traceparent: undefined,
      signal,
      onlyWaits: () => undefined,
    };
    const { host } = await fenceHost({ confirm: "h", power: true }, call, options);
    expect([proofs, host.lease?.state]).to.deep.equal([2, "fenced"]);
  });
});
