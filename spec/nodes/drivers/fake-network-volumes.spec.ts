/** The fakes of network and volumes keep the contracts that real drivers have to keep. */
import { FakeNetwork, FakePorts } from "../../../nodes/drivers/fake/network.ts";
import { FakeVolumePool, FakeVolumes } from "../../../nodes/drivers/fake/volumes.ts";
import { networkContract } from "../../support/network-contract.ts";
import { volumesContract } from "../../support/volumes-contract.ts";

const timeoutMs = 2_000;
const capacityBytes = 1024 ** 3;

networkContract({
  ...{ name: "the fake network", timeoutMs },
  makeBench: async () => {
    const ports = new FakePorts();
    const open = () => new FakeNetwork(ports);
    return {
      network: open(),
      toldTo: async ({ portId }) => ports.plugged.get(portId)?.told,
      ...{ restartAgent: async () => open(), close: async () => undefined },
    };
  },
});

for (const storageId of [null, "s1"])
  volumesContract({
    name: `the fake volumes of ${storageId === null ? "one host" : "a shared storage"}`,
    timeoutMs,
    makeBench: async () => {
      const pool = new FakeVolumePool(storageId, capacityBytes);
      const host = {};
      return {
        volumes: new FakeVolumes(pool, host),
        restartAgent: async () => new FakeVolumes(pool, host),
        ...(storageId === null ? {} : { other: new FakeVolumes(pool, {}) }),
        tooLargeBytes: capacityBytes + 1,
        image: async (bytes) => {
          pool.imageBytes = bytes.length;
          return { kind: "image", path: "/fake/image", format: "raw" };
        },
        close: async () => undefined,
      };
    },
  });
