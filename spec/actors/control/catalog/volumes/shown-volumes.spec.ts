/** The status of a volume, by its own row and the row of its instance, which is read later. */
import { expect } from "chai";
import { withStatuses } from "../../../../../actors/control/catalog/volumes/shown-volumes.ts";
import type { AttachedVolume, InstanceRecord } from "../../../../../actors/records/instance.ts";
import * as rows from "../../../../support/store-rows.ts";

const row = {
  ...{ id: "v", project: "demo", name: "data", description: null, sizeGib: 2, source: null, imageId: null },
  ...{ made: true, storageId: "s", hostId: null, epoch: 3, instanceId: "i", createdAtMs: 1, version: 1 },
};
const attached: AttachedVolume = {
  ...{ volumeId: "v", project: "demo", epoch: 3, place: 0, sizeGib: 2, storageId: "s", hostId: null },
  ...{ made: true, source: null, deleteOnTermination: false },
};
const changing = (kind: NonNullable<AttachedVolume["change"]>["kind"]): AttachedVolume => ({
  ...attached,
  change: { kind, generation: 7 },
});

describe("the status of a volume", () => {
  const status = async (instanceId: string | null, changes: Partial<InstanceRecord> | undefined) => {
    const found = changes === undefined ? [] : [{ ...rows.instance("i"), ...changes }];
    const listed = found.map((instance) => ({ instance, machine: undefined }));
    const instances = { list: async () => ({ rows: listed, next: undefined }) };
    const store = { instances, rows: { called: async () => [] } };
    const [shown] = await withStatuses([{ ...row, instanceId }], store as never);
    return shown?.status;
  };

  it("is what its instance says of it", async () => {
    expect(await status(null, undefined)).to.equal("available");
    expect(await status("i", { volumes: [attached] })).to.equal("in-use");
    expect(await status("i", { volumes: [changing("attaching")] })).to.equal("attaching");
    expect(await status("i", { volumes: [changing("leaving")] })).to.equal("detaching");
    expect(await status("i", { volumes: [changing("extending")] }), "its guest has it").to.equal("in-use");
  });

  it("is detaching for one whose instance has let go of it since its row was read", async () => {
    const others = [{ ...attached, volumeId: "another" }];
    for (const changes of [{ volumes: [] }, { volumes: null }, { volumes: others }])
      expect(await status("i", changes)).to.equal("detaching");
    expect(await status("i", { volumes: [attached], desired: "deleted" })).to.equal("detaching");
    expect(await status("i", undefined)).to.equal("detaching");
  });
});
