/** Which directories of guests the doctor misses on hosts, and which need not be there. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import { healthy } from "./worlds.ts";

const find = (input: DoctorInput) => compare(input).findings.map(({ message }) => message);

const audited = (change: Partial<ReturnType<typeof healthy>["audit"]>): DoctorInput => {
  const { input, audit } = healthy();
  return { ...input, answers: [{ hostId: audit.hostId, audit: { ...audit, ...change } }] };
};

describe("doctor: directories", () => {
  it("misses no disk of a build that was stopped before it had one, where disks end with the agent, nor of none", () => {
    const input = audited({ directories: healthy().audit.directories.slice(0, 1) });
    const unbuilt = input.instances.map((row) => ({ ...row, instance: { ...row.instance, built: false } }));
    expect(find({ ...input, instances: unbuilt })).to.deep.equal([]);
    // Evacuated by an operator, and stopped before its first start here.
    const diskless = input.instances.map((row) => ({
      ...row,
      instance: { ...row.instance, flavor: { ...row.instance.flavor, diskGib: 0 } },
    }));
    expect(find({ ...input, instances: diskless }).join()).not.to.contain("directory");
    const directories = healthy().audit.directories.slice(0, 1);
    expect(find(audited({ directories, keepsDisks: false }))).to.deep.equal([]);
    expect(find(audited({ directories, keepsDisks: true }))).to.have.length(1);
  });
});
