/** How long operations may wait for what disks are made of, by value. */
import { expect } from "chai";
import { allowedMs } from "../../../../actors/control/instance/command.ts";
import { fetchAllowedMs } from "../../../../actors/control/instance/fetch-time.ts";
import type { AttachedVolume, InstanceRecord } from "../../../../actors/records/instance.ts";
import { newborn } from "../../../support/instances.ts";

const mib = 1024 ** 2;
const sha256 = "0".repeat(64);
const disk = (sizeMib: number, virtualMib: number) => ({
  ...{ sha256, format: "qcow2" as const },
  ...{ sizeBytes: sizeMib * mib, virtualSizeBytes: virtualMib * mib },
});
const volume = (made: boolean, source: AttachedVolume["source"]): AttachedVolume => ({
  ...{ volumeId: "v", project: "demo", epoch: 1, place: 0, sizeGib: 10, storageId: null, hostId: "h" },
  ...{ made, source, deleteOnTermination: false },
});
const ofImage = { kind: "image", image: { id: "i", name: "big", disk: disk(80, 800) } } as const;

describe("how long an operation waits for what disks are made of", () => {
  const { instance } = newborn();
  const withDisk = (sizeMib: number): InstanceRecord => ({
    ...instance,
    image: { ...instance.image, disk: disk(sizeMib, 10 * sizeMib) },
  });

  it("grows with the image, by a quarter more than 8 MiB a second need, and with volumes to be made of one", () => {
    expect(fetchAllowedMs(withDisk(80), "disks")).to.equal(12_500);
    expect(fetchAllowedMs(withDisk(80), "volumes")).to.equal(0);
    const volumes = [volume(false, ofImage), volume(true, ofImage), volume(false, null)];
    expect(fetchAllowedMs({ ...withDisk(80), volumes }, "volumes")).to.equal(137_500);
    expect(fetchAllowedMs({ ...withDisk(80), volumes }, "disks")).to.equal(150_000);
  });

  it("ends after hours, however large they are", () => {
    expect(fetchAllowedMs(withDisk(8 * 1024 ** 2), "disks")).to.equal(4 * 3_600_000);
  });

  it("is granted to a create, a recovery, a move and an attach, and to no other", () => {
    const [small, large] = [
      { ...withDisk(0), volumes: [] },
      { ...withDisk(80), volumes: [volume(false, ofImage)] },
    ];
    const moreMs = (kind: Parameters<typeof allowedMs>[1]) => allowedMs(large, kind) - allowedMs(small, kind);
    for (const kind of ["create", "recover", "evacuate", "move"] as const)
      expect(moreMs(kind), kind).to.equal(150_000);
    expect(moreMs("volumeAttach")).to.equal(137_500);
    expect(moreMs("start"), "of one that was never built").to.equal(150_000);
    const built = (one: InstanceRecord) => allowedMs({ ...one, built: true }, "start");
    expect(built(large) - built(small), "of a volume that the start makes").to.equal(137_500);
    for (const kind of ["stop", "reboot", "delete", "volumeDetach"] as const)
      expect(moreMs(kind), kind).to.equal(0);
  });
});
