/** The doctor on volumes: rows that differ, and deleted volumes whose files nobody has removed. */
import { expect } from "chai";
import { doctorLimits } from "../../../../actors/control/doctor/limits.ts";
import { volumeFindings } from "../../../../actors/control/doctor/volumes.ts";
import type { AttachedVolume } from "../../../../actors/records/instance.ts";
import * as rows from "../../../support/store-rows.ts";

const row = {
  ...{ id: "v", project: "demo", name: "data", description: null, sizeGib: 2, source: null, imageId: null },
  ...{ made: true, storageId: "s", hostId: null, epoch: 3, instanceId: "i", createdAtMs: 1, version: 1 },
};
const attached: AttachedVolume = {
  ...{ volumeId: "v", project: "demo", epoch: 3, place: 0, sizeGib: 2, storageId: "s", hostId: null },
  ...{ made: true, source: null, deleteOnTermination: false },
};
const left = {
  ...{ id: "old", project: "demo", name: "old", sizeGib: 2, storageId: "s", hostId: null, epoch: 1 },
  ...{ createdAtMs: 1_000, version: 1 },
};

describe("the doctor on volumes", () => {
  const found = (
    volumes: readonly (typeof row | (Omit<typeof row, "instanceId"> & { instanceId: null }))[],
    held: readonly AttachedVolume[],
    nowMs = 1_000,
  ) =>
    volumeFindings({
      ...{ volumes, deletedVolumes: [left], unsettled: [], hosts: [], nowMs },
      instances: [{ instance: { ...rows.instance("i"), volumes: held }, machine: undefined }],
    }).map(({ kind, message }) => [kind, message]);

  it("finds nothing where both rows say the same", () => {
    expect(found([row], [attached])).to.deep.equal([]);
    expect(found([{ ...row, instanceId: null }], [])).to.deep.equal([]);
  });

  it("finds a volume of an instance that does not have it, of nobody, without a row, or of another epoch", () => {
    const drift = (message: string) => [["drift", message]];
    expect(found([row], [])).to.deep.equal(drift("Its row has instance i, which does not have it."));
    expect(found([{ ...row, instanceId: null }], [attached])).to.deep.equal(
      drift("Instance i has it, and its row has nobody."),
    );
    expect(found([], [attached])).to.deep.equal(drift("An instance has it, and it has no row."));
    expect(found([{ ...row, epoch: 4 }], [attached])).to.deep.equal(
      drift("Its row has epoch 4, and instance i has epoch 3."),
    );
  });

  it("finds a copy that no host has made for a while, and nothing wrong with what it is made from", () => {
    const pair = [
      { ...row, instanceId: "w" },
      { ...row, id: "w", name: "copy", made: false, epoch: 1, instanceId: "v" },
    ];
    expect(found(pair, [])).to.deep.equal([]);
    const [late] = found(pair, [], 1_000 + doctorLimits.volumeLeftMs);
    expect(late).to.deep.equal([
      "stuck",
      "It is still to be made as a copy of volume v, which nobody has meanwhile.",
    ]);
  });

  it("finds a deleted volume whose file no host has removed for a while", () => {
    expect(found([row], [attached], 1_000 + doctorLimits.volumeLeftMs)).to.deep.equal([
      ["leak", "Its 2 GiB on storage s are still taken: no host has removed the file."],
    ]);
  });
});
