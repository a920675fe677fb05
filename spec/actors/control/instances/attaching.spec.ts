/** The volumes of a new instance, by value: what its row and theirs say, and where new ones are. */
import { expect } from "chai";
import { askedOfFlavor, placedOf, roomOf } from "../../../../actors/control/instances/asked-volumes.ts";
import { furnish } from "../../../../actors/control/instances/attaching.ts";
import { tinyImage } from "../../../support/instances.ts";

const row = {
  ...{ id: "there", project: "demo", name: "data", description: null, sizeGib: 3, source: null },
  ...{ imageId: null, made: true, storageId: null, hostId: null, epoch: 7, instanceId: null },
  ...{ createdAtMs: 1, version: 4 },
};
const planned = [
  { kind: "new", sizeGib: 5, source: null, bootIndex: 0, deleteOnTermination: true },
  { kind: "there", row, deleteOnTermination: false },
] as const;
const about = {
  ...{ planned, name: "n".repeat(255), instanceId: "i", hostId: "h", project: "demo", requestId: "r" },
  nowMs: 9,
};
const ids = () => {
  let count = 0;
  return {
    next: () => {
      count += 1;
      return `new-${count}`;
    },
  };
};

describe("volumes of a new instance", () => {
  it("are made and taken by rows of its commit, where root disks of its host are", () => {
    const { volumes, rows, events } = furnish({ ...about, storageId: null }, ids());
    expect(
      volumes.map(({ volumeId, place, epoch, hostId }) => [volumeId, place, epoch, hostId]),
    ).to.deep.equal([
      ["new-1", 0, 1, "h"],
      ["there", 1, 8, "h"],
    ]);
    const [taken, made] = rows;
    expect(taken).to.deep.include({
      patched: "there",
      whereHas: { project: "demo", instanceId: null, epoch: 7, sizeGib: 3, storageId: null, made: true },
      set: { instanceId: "i", epoch: 8, hostId: "h" },
    });
    expect(made)
      .to.have.property("made")
      .that.includes({
        ...{ id: "new-1", name: about.name, sizeGib: 5, instanceId: "i", epoch: 1, made: false, hostId: "h" },
      });
    expect(events.map(({ noun, id, event }) => [noun, id, event])).to.deep.equal([
      ["volume", "new-1", "created"],
    ]);
  });

  it("are on the storage that hosts share, and keep what they have: a new one beside the root has its place", () => {
    const local = { ...row, hostId: "other" };
    const given = [planned[0], { ...planned[1], row: local }, { ...planned[0], bootIndex: 1 }] as const;
    const { volumes, rows } = furnish({ ...about, planned: given, storageId: "s" }, ids());
    expect(volumes.map(({ storageId, hostId }) => [storageId, hostId])).to.deep.equal([
      ["s", null],
      [null, "other"],
      ["s", null],
    ]);
    const names = rows.flatMap((one) => ("made" in one ? one.made.name : []));
    expect(names).to.deep.equal([about.name, `${"n".repeat(253)}-2`]);
  });

  it("ask a host for the room that they do not have yet, and for what it has to see", () => {
    expect([roomOf(planned), roomOf([{ ...planned[1], row: { ...row, hostId: "h" } }])]).to.deep.equal([
      8, 0,
    ]);
    const shared = { ...planned[1], row: { ...row, storageId: "s" } };
    expect([placedOf([]), placedOf([planned[0], shared])]).to.deep.equal([
      undefined,
      { storageIds: ["s"], hostIds: [] },
    ]);
  });

  it("have the disk that an image asks for, and leave a flavor its memory to have", () => {
    const properties = { ...tinyImage.properties, memoryMibMin: 512, diskGibMin: 5 };
    const image = { ...tinyImage, properties };
    expect(askedOfFlavor(image, planned).properties).to.include({ memoryMibMin: 512, diskGibMin: 0 });
    expect(askedOfFlavor(image, [planned[1]])).to.equal(image);
    expect(() => askedOfFlavor(image, [{ ...planned[1], bootIndex: 0 }])).to.throw("needs 5 GiB");
  });
});
