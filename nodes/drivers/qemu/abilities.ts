/** What the driver does with QEMU, not what QEMU could do. Data only. */
import type { HypervisorCapabilities } from "../../../actors/ports/hypervisor.ts";

export const abilities: Omit<
  HypervisorCapabilities,
  "kind" | "accelerator" | "acceleratorReason" | "version" | "shapes"
> = {
  networks: ["stream", "tap", "macvtap"],
  volumes: ["file", "device", "nbd"],
  hotPlug: true,
  liveMigration: false,
  console: true,
  configDrive: true,
  localDisks: true,
  save: false,
};
