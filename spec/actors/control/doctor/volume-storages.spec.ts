/** What the doctor says of storages of volumes, by the words of the hosts that see them. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import type { StorageTotal } from "../../../../actors/ports/host-reads.ts";
import type { VolumeStorageState } from "../../../../protocol/volume-storage.ts";
import { networkedDrivers } from "../../../support/host-drivers.ts";
import { hostRow } from "../../../support/host-rows.ts";
import { healthy } from "./worlds.ts";

const gib = 1_024;
const nas: VolumeStorageState = {
  ...{ storageId: "nas", kind: "nfs", fencing: "rename", extendsOnline: false },
  ...{ totalMib: 1_000 * gib, freeMib: 500 * gib, promisedMib: 10 * gib, allocatedMib: gib },
};

describe("the doctor on storages of volumes", () => {
  const drivers = {
    ...networkedDrivers(),
    volumeStorages: [{ id: "nas", kind: "nfs", sizeGib: 1_000 }],
  };
  const world = (
    states: Readonly<Record<string, VolumeStorageState>>,
    storageTotals: readonly StorageTotal[] = [],
  ): DoctorInput => {
    const { input, audit } = healthy();
    const more = Object.keys(states).filter((id) => id !== "h1");
    const answers = Object.entries(states).map(([hostId, state]) => ({
      hostId,
      audit: {
        ...(hostId === "h1" ? audit : { hostId, machines: [], processes: [], directories: [], strays: [] }),
        volumeStorages: [state],
      },
    }));
    const hosts = [
      ...input.hosts.map((one) => ({ ...one, drivers })),
      ...more.map((id) => hostRow({ id, name: id, drivers })),
    ];
    return { ...input, hosts, answers, storageTotals };
  };
  const about = (input: DoctorInput, subject: string) =>
    compare(input)
      .findings.filter((one) => one.subject === subject)
      .map(({ kind, message }) => `${kind}: ${message}`);

  it("says nothing of one that answers and has room", () => {
    const input = world({ h1: nas, h2: nas });
    for (const subject of ["storage nas", "host one", "host h2"])
      expect(about(input, subject), subject).to.deep.equal([]);
  });

  it("names one that is low once, however many hosts see it", () => {
    const low = { ...nas, freeMib: gib };
    const found = about(world({ h1: low, h2: low }), "storage nas");
    expect(found).to.have.length(1);
    expect(found[0]).to.contain("too little room").and.contain("stuck");
  });

  it("names the host to which alone it is silent, and the storage where it is silent to all", () => {
    const silent = { ...nas, silentMs: 600_000 };
    expect(about(world({ h1: silent, h2: nas }), "storage nas")).to.deep.equal([]);
    expect(about(world({ h1: silent, h2: nas }), "host one")[0]).to.contain("does not answer");
    expect(about(world({ h1: silent, h2: silent }), "storage nas")).to.have.length(1);
  });

  it("advises where no host sees one any more on which something is claimed", () => {
    const total = { storageId: "old", diskGib: 0, diskGibClaimed: 3, diskGibCounted: 3 };
    const found = about(world({ h1: nas }, [total]), "storage old");
    expect(found.some((one) => one.startsWith("advice: No host sees it any more, and 3 GiB"))).to.equal(true);
  });
});
