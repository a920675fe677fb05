/** What an instance is explained by: what is so now, and apart from that what happened before. By value. */
import { expect } from "chai";
import { instanceView } from "../../../../actors/control/instance/state.ts";
import { type ExplainFacts, explanation } from "../../../../actors/control/instances/explain.ts";
import type { InstanceRecord } from "../../../../actors/records/instance.ts";
import type { HostVerdict } from "../../../../protocol/instance.ts";
import { errorBodyOf } from "../../../../protocol/wire/denials.ts";
import { instance } from "../../../support/store-rows.ts";

const verdict = (hostId: string, fits: boolean): HostVerdict => ({
  ...{ hostId, hostName: `host-${hostId}`, fits, score: 0, weights: {} },
  filters: fits ? {} : { enabled: "the host is disabled" },
});

const noHost = errorBodyOf({
  reason: "noValidHost",
  message: "No host fits: of 2, the filter lease refused 2 (host-a: the host does not hold its lease).",
});

/** The guest has run, its host is fenced, and no host fitted when it was asked for. */
const stranded = { built: true, hostId: null, failure: noHost, settled: false } as const;

function explain(changes: Partial<InstanceRecord>, facts: Partial<ExplainFacts> = {}) {
  const row = { instance: instance("i", changes), machine: undefined };
  const nothing = { hosts: [], operations: [], lately: {}, fence: undefined, stays: undefined };
  const { waitingFor, earlier } = explanation({
    ...{ instance: instanceView(row, undefined), row, ...nothing, ...facts },
  });
  return { waitingFor, earlier };
}

describe("the explanation of an instance", () => {
  it("for which no host fitted says what the scheduler says now, and the failure as what was", () => {
    const lately = { failedAtMs: 5_000 };
    const failed = [{ atMs: 5_000, message: `It failed (noValidHost): ${noHost.message}` }];
    const none = [verdict("a", false), verdict("b", false)];
    expect(explain(stranded, { hosts: none, lately })).to.deep.equal({
      ...{ waitingFor: ["A host that fits: none does now."], earlier: failed },
    });
    expect(explain(stranded, { hosts: [verdict("a", true), verdict("b", false)], lately })).to.deep.equal({
      waitingFor: ["A host that fits: host-a does now, and it is asked for again."],
      earlier: failed,
    });
    expect(
      explain(stranded, { hosts: ["a", "b", "c"].map((id) => verdict(id, true)) }).waitingFor,
    ).to.deep.equal(["A host that fits: host-a and 2 more do now, and it is asked for again."]);
  });

  it("that is placed for the first time says the same, and nothing of before", () => {
    const found = explain({ hostId: null, built: false, settled: false, failure: null });
    expect(found).to.deep.equal({ waitingFor: ["A host that fits: none does now."], earlier: [] });
  });

  it("whose build failed waits for nothing, and tells the hosts that were tried by their names", () => {
    const failure = errorBodyOf({ reason: "hypervisorRefused", message: "QEMU said no." });
    const excludedHosts = [
      { hostId: "a", reason: "QEMU said no." },
      { hostId: "z", reason: "The disk is full." },
    ];
    const found = explain(
      { hostId: null, built: false, failure, excludedHosts },
      { hosts: [verdict("a", false)] },
    );
    expect(found.waitingFor).to.deep.equal(["Nothing: it failed (hypervisorRefused)."]);
    expect(found.earlier).to.deep.equal([
      { atMs: null, message: "Host host-a was tried and failed: QEMU said no." },
      { atMs: null, message: "Host z was tried and failed: The disk is full." },
      { atMs: null, message: "It failed (hypervisorRefused): QEMU said no." },
    ]);
  });

  it("puts what happened in the order of time", () => {
    const guarded = { atMs: 7_000, because: "paused by the guard of host-a" };
    const found = explain(stranded, { lately: { guarded, failedAtMs: 9_000 } });
    expect(found.earlier.map(({ atMs }) => atMs)).to.deep.equal([7_000, 9_000]);
    expect(found.earlier[0]?.message).to.equal("It was paused by the guard of host-a.");
  });

  it("whose host makes its files is said to wait for them, and for its image where the host has not got it", () => {
    const machine = { state: "preparing", intentGeneration: 1 } as NonNullable<
      ExplainFacts["row"]["machine"]
    >;
    const image = { ...instance("i").image, name: "mine", kernel: null, ramdisk: null };
    const disk = { sha256: "a", sizeBytes: 2_048, format: "raw", virtualSizeBytes: 2_048 } as const;
    const waiting = (disked: boolean) => {
      const record = instance("i", {
        ...{ hostId: "h1", built: false, settled: false, failure: null, generation: 1, desired: "running" },
        image: { ...image, disk: disked ? disk : null },
      });
      const row = { instance: record, machine };
      const shown = instanceView(row, undefined);
      return explain({}, { row, instance: shown }).waitingFor.slice(1);
    };
    expect(waiting(false)).to.deep.equal([]);
    expect(waiting(true)).to.deep.equal([
      "Host h1 to make files of the image mine; if it has not got its 2 KiB, these come first.",
    ]);
  });
});
