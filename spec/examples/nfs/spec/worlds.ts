/**
 * Worlds for the contracts: hosts on a server that is in memory, so that they run everywhere. `npx novact
 * plugin check` finds them here.
 */
import type { DriverWorlds } from "novact/contract";
import { NfsVolumes } from "../src/storage.ts";
import { FakeBridges } from "./fake-bridges.ts";
import { FakeNfs } from "./fake-nfs.ts";

export const totalBytes = 1024 ** 3;
export const firstGroup = 1_000;

/** Two hosts on one server. `restartAgent` is another life of the agent of the first. */
export function makeHosts(nfs = new FakeNfs({ totalBytes, ownerGid: 900 }), shared = true) {
  const bridges = { host: new FakeBridges(), other: new FakeBridges() };
  const open = (hostId: keyof typeof bridges) =>
    new NfsVolumes({ ...{ nfs, hostId, firstGroup, overcommit: 1, shared }, bridges: bridges[hostId] });
  return {
    nfs,
    bridges,
    volumes: open("host"),
    other: open("other"),
    restartAgent: async () => open("host"),
  };
}

const worlds: DriverWorlds = {
  volumes: {
    nfs: {
      ...{ name: "nfs", timeoutMs: 10_000 },
      makeBench: async () => ({
        ...makeHosts(),
        tooLargeBytes: totalBytes + 1,
        close: async () => undefined,
      }),
    },
    "nfs of one node": {
      ...{ name: "nfs of one node", timeoutMs: 10_000 },
      makeBench: async () => {
        const { volumes, restartAgent } = makeHosts(undefined, false);
        return { volumes, restartAgent, tooLargeBytes: totalBytes + 1, close: async () => undefined };
      },
    },
  },
};

export default worlds;
