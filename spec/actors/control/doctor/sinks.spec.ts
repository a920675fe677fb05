/** Sinks of events that are away or have missed some are findings. By value, and through both looks. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { type DoctorOptions, examine } from "../../../../actors/control/doctor/examine.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { sinkLimits } from "../../../../nodes/sinks/limits.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { healthy } from "./worlds.ts";

const since = "1970-01-01T00:01:30.500Z";

describe("doctor: sinks", () => {
  it("names a sink that takes nothing, since when and why, and one that has missed events", () => {
    const { input } = healthy();
    const sinks = [
      { name: "audit", failingSinceMs: 90_500, why: "https://h has answered 503" },
      { name: "file", missed: 1 },
    ];
    const { findings } = compare({ ...input, sinks });
    expect(findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`)).to.deep.equal([
      `drift sink audit: It has taken no events since ${since}.`,
      "drift sink file: It has missed 1 event: they are kept no longer.",
    ]);
    expect(findings[0]?.next).to.contain("https://h has answered 503");
    expect(compare({ ...input, sinks: [] }).findings).to.deep.equal([]);
  });

  it("keeps a sink that is away through both looks, though its failures differ", async () => {
    const clock = new SimulatedClock();
    let looks = 0;
    const sinks = () => {
      looks += 1;
      return [{ name: "audit", failingSinceMs: 90_500, why: `failure ${looks}` }];
    };
    const examined = examine({ ...nothingElse(clock), sinks });
    await clock.advance(sinkLimits.failingShownMs);
    const { findings } = await examined;
    expect(looks).to.equal(2);
    expect(findings.map(({ subject }) => subject)).to.deep.equal(["sink audit"]);
  });
});

const nothingElse = (clock: SimulatedClock): DoctorOptions => ({
  store: new MemoryStore(clock),
  imageFiles: { list: async () => ({ files: [], holds: [] }) },
  auditHost: () => Promise.reject(new Error("there are no hosts")),
  storageAgent: () => ({
    sharedDisks: async () => ({ disks: [] }),
    listVolumes: async () => ({ volumes: [] }),
  }),
  clock,
  brake: () => undefined,
  strange: () => [],
  excessive: () => [],
  spaces: () => [],
  networksOfHost: () => Promise.reject(new Error("Nobody is on a network.")),
  faults: () => [],
  sinks: () => [],
  self: { kind: "controller", id: "c1", name: "controller-1" },
  callControllers: async () => [],
});
