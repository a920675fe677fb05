/** Full file systems are findings, of hosts and of the controllers. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { Space } from "../../../../protocol/space.ts";
import { healthy } from "./worlds.ts";

const space = (of: string, freeMib: number, full: boolean) => ({ of, freeMib, totalMib: 900, full });

describe("doctor: full file systems", () => {
  it("names the host, and what has to be free there", () => {
    const { input, audit } = healthy();
    const spaces = [space("state directory", 2, true), space("shared directory", 500, false)];
    const answers = [{ hostId: "h1", audit: { ...audit, space: spaces } }];
    expect(compare({ ...input, answers }).findings).to.deep.equal([
      {
        kind: "stuck",
        subject: "host one",
        message: "The file system of the state directory is full: no new guest is made there.",
        next: "Free space there: 2 of 900 MiB are free, 141 are needed.",
      },
    ]);
  });

  it("names the controllers' own, and finds nothing where there is room", () => {
    const { input } = healthy();
    const finding = compare({ ...input, spaces: [space("database", 0, true)] }).findings.at(0);
    expect(finding).to.deep.include({ kind: "stuck", subject: "controllers" });
    expect(compare({ ...input, spaces: [space("database", 300, false)] }).findings).to.deep.equal([]);
  });

  const found = (...spaces: readonly object[]) => {
    const { input, audit } = healthy();
    const answers = [{ hostId: "h1", audit: { ...audit, space: spaces as Space[] } }];
    return compare({ ...input, answers }).findings.map(({ kind, message, next }) => [kind, message, next]);
  };
  const disks = (freeMib: number, more: object = {}) => ({
    ...{ of: "guests directory", freeMib, totalMib: 102_400, full: false, disks: true, ...more },
  });

  it("advises where much is used, and alarms below what is kept, where disks are made", () => {
    expect(found(disks(15_360), disks(100, { disks: undefined }))).to.deep.equal([]);
    expect(found(disks(15_359))).to.deep.equal([
      [
        "advice",
        "More than 85 % of the file system of the guests directory are used.",
        "15.0 GiB of 100 GiB are free: free some, or add storage; below 4 GiB no new disk is placed there.",
      ],
    ]);
    expect(found(disks(4_095))).to.deep.equal([
      [
        "stuck",
        "The file system of the guests directory has too little room: no new disk is placed there.",
        "Free space there: 4.0 GiB of 100 GiB are free, and 4 GiB are kept for disks that are there.",
      ],
    ]);
  });

  it("names one that does not answer, and not one that is only slow", () => {
    expect(found(disks(90_000, { silentMs: 30_000 }))).to.deep.equal([]);
    expect(found(disks(90_000, { silentMs: 40_000 }))).to.deep.equal([
      [
        "stuck",
        "The file system of the guests directory does not answer: no new disk is placed there.",
        "It is silent for 40 s: look at its server, and at the way there.",
      ],
    ]);
  });

  it("observes by how much more is promised than is free, once it is known what is written", () => {
    const { input, audit } = healthy();
    const observed = (space: readonly object[], changes: object = {}) => {
      const hosts = input.hosts.map((one) => ({ ...one, ...changes }));
      const answers = hosts.map(({ id }) => ({ hostId: id, audit: { ...audit, space: space as Space[] } }));
      return compare({ ...input, hosts, answers }).observations.map(({ subject, message }) => [
        subject,
        message,
      ]);
    };
    const promised = { diskGibClaimed: 40 };
    expect(observed([disks(20_480)], promised), "not measured").to.deep.equal([]);
    const written = disks(20_480, { allocatedMib: 10_240 });
    expect(observed([written], promised)).to.deep.equal([
      [
        "host one",
        "Disks may grow by 30 GiB, and 20 GiB are free, 1.5 times as much: of 40 GiB that are promised 10 GiB are written.",
      ],
    ]);
    expect(observed([disks(30_720, { allocatedMib: 10_240 })], promised)).to.deep.equal([]);
    const shared = { storageId: "s", storage: { diskGib: 90, diskGibClaimed: 31 }, ...promised };
    expect(observed([written], shared).map(([subject]) => subject)).to.deep.equal(["storage s"]);
  });
});
