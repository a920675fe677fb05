/** What a host says of its drivers, for specs: fake ones that plug guests into networks. */
import type { HostDrivers } from "../../protocol/host-drivers.ts";

/** Published ports by default, no hot plug, no shapes. */
export const networkedDrivers = ({
  abilities = {},
  networking = {},
  ...more
}: {
  readonly abilities?: Partial<HostDrivers["abilities"]>;
  readonly networking?: Partial<NonNullable<HostDrivers["networking"]>>;
  readonly shapes?: NonNullable<HostDrivers["shapes"]>;
} = {}): HostDrivers => ({
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null, ...more },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
    ...abilities,
  },
  networking: { mtuBytesMax: 1_500, spansHosts: false, underlay: null, publishes: true, ...networking },
});
