/**
 * What is known of novact's own drivers without opening one: whoever reads a configuration goes by it, and
 * must not load what runs guests. One line for each driver here and in registry.ts.
 */
import { bridgeNetworkFacts } from "./bridge-network/facts.ts";
import { fakeFacts, fakeHypervisorFacts } from "./fake/facts.ts";
import { filesFacts } from "./files/facts.ts";
import type { KnownDrivers } from "./kinds.ts";
import { qemuFacts } from "./qemu/facts.ts";
import { userNetworkFacts } from "./user-network/facts.ts";
import { volumeFilesFacts } from "./volumes/facts.ts";

/** The hypervisor of a node that names none; and of measurements that need real guests. */
export const usualHypervisor = "qemu";
/** The hypervisor whose guests only pretend: for measurements of the control plane alone. */
export const pretendingHypervisor = "fake";
/** Where a real guest's disks are when nobody says where. */
export const usualDisks = "files";

export const builtInDrivers = {
  hypervisors: { qemu: qemuFacts, fake: fakeHypervisorFacts },
  disks: { files: filesFacts, fake: fakeFacts },
  networks: { user: userNetworkFacts, bridge: bridgeNetworkFacts, fake: fakeFacts },
  volumes: { files: volumeFilesFacts, fake: fakeFacts },
} as const satisfies KnownDrivers;

export const hypervisorNames = [usualHypervisor, pretendingHypervisor] as const;
