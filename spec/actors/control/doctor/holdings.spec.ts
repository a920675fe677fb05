/** What is kept on a host is judged by one rule, whatever driver keeps it. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import { healthy, observation } from "./worlds.ts";

const find = (input: DoctorInput) => compare(input).findings.map(({ message }) => message);

/** The healthy cluster with the audit of its host changed. */
const audited = (change: Partial<ReturnType<typeof healthy>["audit"]>): DoctorInput => {
  const { input, audit } = healthy();
  return { ...input, answers: [{ hostId: "h1", audit: { ...audit, ...change } }] };
};

describe("doctor: holdings", () => {
  it("finds a thing of an unknown instance, of a driver that nobody knows, and only that", () => {
    const thing = { kind: "toy", instanceId: "zz", ownerEpoch: 2, what: "ball 7" };
    expect(compare(audited({ holdings: [thing] })).findings).to.deep.equal([
      {
        ...{ kind: "leak", subject: "machine zz" },
        message: "Ball 7 is there (toy) on host one, and no machine actor knows of it.",
        next: "Restart the host's agent: it takes over or removes what it finds. When it stays, report it.",
      },
    ]);
  });

  it("finds a process of a driver that nobody knows, of a machine that is stopped", () => {
    const thing = { kind: "process", instanceId: "i2", ownerEpoch: 1, what: "container c9" };
    expect(find(audited({ holdings: [thing] }))).to.deep.equal([
      "host one believes it is stopped, and container c9 is there.",
    ]);
  });

  it("takes the processes and disks of a driver that nobody knows for those of its machines", () => {
    const { processes, directories } = healthy().audit;
    const holdings = [
      ...processes.map(({ instanceId }) => ({ instanceId, kind: "process", what: "container c1" })),
      ...directories.map(({ instanceId }) => ({ instanceId, kind: "disk", what: "volume v1" })),
    ].map((one) => ({ ...one, ownerEpoch: 1 }));
    expect(find(audited({ processes: [], directories: [], holdings }))).to.deep.equal([]);
    const { compared } = compare(audited({ processes: [], directories: [], holdings }));
    expect(compared).to.include({ processes: 1 });
  });

  it("lets a machine have things of a kind that nobody knows, until the machine is gone", () => {
    const holdings = ["i1", "i2"].map((instanceId) => ({
      ...{ kind: "toy", instanceId, ownerEpoch: 1, what: "ball 7" },
    }));
    expect(find(audited({ holdings }))).to.deep.equal([]);
    const [first] = healthy().audit.machines;
    if (first === undefined) throw new Error("There is a machine.");
    const gone = audited({ machines: [first, observation("i2", "gone")], holdings, directories: [] });
    expect(find(gone).join("\n")).to.include("believes it is gone, and ball 7 (toy) is there");
  });
});
