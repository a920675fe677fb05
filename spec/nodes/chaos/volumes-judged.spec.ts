/** Volumes of a real cluster, judged by value: who has them open, and how they are in the end. */
import { expect } from "chai";
import type { VolumesEnd, VolumesLook } from "../../../actors/promises/host-look.ts";
import { judgeVolumes } from "../../../nodes/chaos/volumes-judged.ts";

const open = (instanceId: string, pid: number, volumeId = "v") => ({
  hostId: "h",
  instanceId,
  pid,
  volumeId,
});
const look = (at: number, ...some: readonly ReturnType<typeof open>[]): VolumesLook => ({
  ...{ kind: "volumesLook", atMs: 100 * at, untilMs: 100 * at + 10, open: some },
});
const right: VolumesEnd = {
  ...{ kind: "volumesEnd", atMs: 900 },
  rows: [{ id: "v", status: "in-use", instanceId: "i", made: true, place: "/s" }],
  instances: [{ id: "i", volumes: [{ volumeId: "v" }] }],
  files: [{ place: "/s", volumeId: "v", directory: "e1" }],
  open: [open("i", 1)],
  living: ["i"],
};
const judged = (change: Partial<VolumesEnd>) =>
  judgeVolumes([{ ...right, ...change }]).map(({ promise, message }) => `${promise} ${message}`);

describe("chaos: volumes that are open", () => {
  it("are open in one guest, or in another one after it", () => {
    const facts = [look(1, open("i", 1)), look(2, open("i", 1), open("j", 2)), look(3, open("j", 2))];
    expect(judgeVolumes(facts)).to.deep.equal([]);
  });

  it("have two guests when two looks in a row say so of both, which is told once", () => {
    const both = [open("i", 1), open("j", 2)];
    const facts = [look(1, ...both), look(2, ...both), look(3, ...both)];
    expect(judgeVolumes(facts).map(({ message }) => message)).to.deep.equal([
      "Volume v is open in two guests: i on h (pid 1) and j on h (pid 2).",
    ]);
    expect(judgeVolumes([look(1, ...both), look(2, open("i", 1), open("j", 3))])).to.deep.equal([]);
  });
});

describe("chaos: volumes in the end", () => {
  it("are right when rows, files and guests say the same", () => {
    expect(judged({})).to.deep.equal([]);
    expect(judged({ open: [], living: [] }), "its guest is down").to.deep.equal([]);
  });

  it("are in the guests whose instances have them", () => {
    expect(judged({ open: [] }).join()).to.include("V1 The guest of instance i does not have volume v open");
    expect(judged({ open: [open("i", 1), open("j", 2)] }).join()).to.include("which its instance has not");
  });

  it("are neither coming nor going, and both rows say the same", () => {
    const row = { id: "v", status: "detaching", instanceId: "i", made: true, place: "/s" };
    expect(judged({ rows: [row] })).to.deep.equal(["V2 Volume v is detaching for ever."]);
    const instances = [{ id: "i", volumes: [{ volumeId: "v", change: "attaching" }] }];
    expect(judged({ instances }).join()).to.include("attaching at instance i for ever");
    expect(judged({ rows: [] }).join()).to.include("whose row does not say so");
    const nobody = [{ id: "i", volumes: [] }];
    expect(judged({ instances: nobody, open: [] }).join()).to.include("which does not have it");
  });

  it("have a file each where they belong", () => {
    expect(judged({ files: [] }).join()).to.include("V3 Volume v was made, and has no file in /s");
    const more = [...right.files, { place: "/s", volumeId: "w", directory: "e1" }];
    expect(judged({ files: more })).to.deep.equal(["V3 The file of volume w in /s has no row."]);
    expect(
      judged({ files: [...right.files, { place: "/t", volumeId: "v", directory: "e1" }] }).join(),
    ).to.include("is in /t");
  });

  it("have been written by one guest after the other, and all of it is there", () => {
    const runs = [
      { writer: "a", from: 1, to: 4 },
      { writer: "b", from: 5, to: 6 },
    ];
    const logged = (log: NonNullable<VolumesEnd["files"][number]["log"]>) =>
      judged({ files: [{ place: "/s", volumeId: "v", directory: "e1", log }] });
    expect(logged({ count: 6, runs, lost: [] })).to.deep.equal([]);
    const both = [...runs, { writer: "a", from: 7, to: 7 }];
    expect(logged({ count: 7, runs: both, lost: [] })).to.deep.equal([
      "V1 Volume v: a wrote on after another one had written.",
    ]);
    expect(logged({ count: 7, runs, lost: [7] })).to.deep.equal(["V9 Volume v: of 7 records 1 are lost: 7."]);
  });
});
