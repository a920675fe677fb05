/** What the driver does with QEMU, not what QEMU could do. Data only. */
import type { HypervisorCapabilities } from "../../../actors/ports/hypervisor.ts";

export const abilities: Omit<
  HypervisorCapabilities,
  "kind" | "accelerator" | "acceleratorReason" | "version" | "shapes"
> = {
  networks: ["stream", "tap", "macvtap"],
  // It takes both kinds, but nobody can attach a volume yet: hosts must not promise it.
  volumes: [],
  hotPlug: true,
  liveMigration: false,
  console: true,
  configDrive: true,
  save: false,
};
