/** What the doctor says of room on storages that hosts share. */
import { expect } from "chai";
import { storageFindings } from "../../../../actors/control/doctor/storage-room.ts";
import type { StorageTotal } from "../../../../actors/ports/host-reads.ts";
import { hostRow } from "../../../support/host-rows.ts";
import { healthy } from "./worlds.ts";

const input = () => healthy().input;
const total: StorageTotal = { storageId: "s", diskGib: 100, diskGibClaimed: 30, diskGibCounted: 30 };
const hosts = ["one", "two"].map((name) => hostRow({ id: name, name, storageId: "s", diskGib: 100 }));

describe("the doctor on room on storages", () => {
  const told = (changes: Partial<StorageTotal>, own = hosts) =>
    storageFindings({ ...input(), storageTotals: [{ ...total, ...changes }], hosts: own }).map(
      ({ kind, subject, message }) => `${kind}: ${subject}: ${message}`,
    );

  it("says nothing where sum and disks agree, and the hosts too", () => {
    expect(told({})).to.deep.equal([]);
    expect(storageFindings(input())).to.deep.equal([]);
  });

  it("names a sum that is not that of the disks", () => {
    expect(told({ diskGibCounted: 29 })).to.deep.equal([
      "drift: storage s: Its sum and its disks differ: the sum has +1 GiB.",
    ]);
  });

  it("names a storage of which more is claimed than it has", () => {
    const [only] = told({ diskGibClaimed: 130, diskGibCounted: 130 });
    expect(only).to.equal("drift: storage s: More is claimed than it has: 30 GiB too much.");
  });

  it("advises when its hosts do not agree how large it is", () => {
    const smaller = hostRow({ id: "three", name: "three", storageId: "s", diskGib: 50 });
    const [only] = told({}, [...hosts, smaller]);
    expect(only)
      .to.include("advice: storage s: Its hosts do not agree")
      .and.include("host three says 50 GiB");
  });
});
