/** The crash matrix: how volumes must be in the end, by value. */
import { expect } from "chai";
import type { VolumesAtRest } from "../../actors/promises/volume-facts.ts";
import { volumeFaults, volumeWords } from "./crash-matrix-volumes-end.ts";

const named = { volumeId: "v", epoch: 2 };
const [row, file] = [
  { id: "v", epoch: 2, sizeGib: 1, place: "s", made: true, instanceId: "i" },
  { ...named, place: "s", sizeGib: 1, openFor: [{ hostId: "h", instanceId: "i" }] },
];
const guest = { hostId: "h", instanceId: "i" };
const right: VolumesAtRest = {
  rows: [row],
  deleted: [],
  attached: [{ ...named, instanceId: "i", change: null }],
  files: [file],
  inGuests: [{ ...named, ...guest, state: "attached" }],
};
const faults = (change: Partial<VolumesAtRest>, guests = [guest]) =>
  volumeFaults({ ...right, ...change }, guests);

describe("crash matrix: volumes in the end", () => {
  it("are right when rows, files and guests say the same", () => {
    expect(faults({})).to.deep.equal([]);
    const free = { rows: [{ ...row, instanceId: null }], attached: [], inGuests: [] };
    expect(faults({ ...free, files: [{ ...file, openFor: [] }] })).to.deep.equal([]);
    const unmade = { rows: [{ ...row, instanceId: null, made: false, place: null }], files: [] };
    expect(faults({ ...free, ...unmade })).to.deep.equal([]);
  });

  it("are those of both rows, with nothing under way", () => {
    expect(faults({ rows: [{ ...row, instanceId: "j" }] }).join()).to.include("its row does not say so");
    expect(faults({ attached: [] }).join()).to.include("which does not have it");
    const attaching = [{ ...named, instanceId: "i", change: "attaching" as const }];
    expect(faults({ attached: attaching })).to.deep.equal(["Volume v is attaching for ever at i."]);
    expect(faults({ deleted: ["w"] }).join()).to.include("still to be removed");
  });

  it("are in the guests that are to have them, once, and open in no other", () => {
    expect(faults({ inGuests: [] })).to.deep.equal(["The guest i lacks volume v."]);
    expect(faults({ inGuests: [] }, []), "no guest lives").to.deep.equal([]);
    const [one] = right.inGuests;
    const twice = one === undefined ? [] : [one, { ...one, hostId: "g" }];
    expect(faults({ inGuests: twice }).join()).to.include("open twice");
    const open = [{ ...named, ...guest, epoch: 1, state: "open" as const }];
    expect(faults({ inGuests: open }).join()).to.include("has volume v.e1, and its instance has not");
    const dead = [...right.inGuests, { ...named, ...guest, epoch: 1, state: "dead" as const }];
    expect(faults({ inGuests: dead })).to.deep.equal([]);
  });

  it("have a file each where their row says, and no file is left", () => {
    expect(faults({ files: [] }).join()).to.include("has no file on s");
    expect(faults({ files: [file, { ...file, volumeId: "w" }] }).join()).to.include("w.e2 on s has no row");
    expect(faults({ files: [file, { ...file, place: "h" }] }).join()).to.include("belongs on s");
    expect(faults({ files: [{ ...file, epoch: 3 }] }).join()).to.include("newer than its row");
    expect(faults({ files: [{ ...file, epoch: 1 }] }).join()).to.include("open as one of epoch 2");
    expect(faults({ rows: [{ ...row, sizeGib: 2 }] }).join()).to.include("has 1 of 2 GiB");
    const openFor = [...file.openFor, { hostId: "g", instanceId: "j" }];
    expect(faults({ files: [{ ...file, openFor }] }).join()).to.include("open for j on g");
  });

  it("have words", () => {
    const rows = [row, { ...row, instanceId: null, sizeGib: 2 }];
    expect(volumeWords({ ...right, rows })).to.deep.equal(["volume attached", "volume free 2 GiB"]);
  });
});
