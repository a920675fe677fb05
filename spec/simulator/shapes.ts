/**
 * What simulated hosts can pretend to be: all of them everything, but new guests are not the same on each, so
 * that a guest that goes elsewhere finds other hardware there unless it keeps its own. Pure.
 */
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import type { MachineShape, OfferedShapes } from "../../protocol/shape.ts";
import type { HostMachine } from "./host-machine.ts";

/** One for each host of the largest run. */
const machineTypes = Array.from({ length: 16 }, (_, index) => `fake-1.${index}`);

/** The shapes of the host at this position. */
export const shapesOfHost = (index: number): OfferedShapes => ({
  ...{ versions: [1], machineTypes, aliases: [], cpuModel: "fake-v1", cpuModels: ["fake-v1"] },
  machineType: machineTypes[index % machineTypes.length] ?? "",
});

/**
 * What the agent of the host at this position says of the drivers. Shapes and networks only where all are of
 * one version: a controller of before would not pass them on; in fact it ends when the column is there.
 */
export const driversOfHost = (index: number, oneVersion: boolean, volumes = false): HostDrivers => ({
  ...{ hypervisor: "simulated", disks: "simulated", network: oneVersion ? "simulated" : null },
  volumes: volumes ? "simulated" : null,
  abilities: {
    ...{
      networks: oneVersion ? ["tap"] : [],
      volumes: volumes ? ["file"] : [],
      hotPlug: oneVersion,
      liveMigration: false,
      console: true,
      save: false,
    },
    configDrive: true,
    localDisks: true,
  },
  ...(oneVersion ? { shapes: shapesOfHost(index), networking: networkingOfHost(index) } : {}),
});

/** One has another way to other hosts, publishes nothing and does not route; two are on one computer. */
const networkingOfHost = (index: number): HostDrivers["networking"] & {} => {
  const underlay = index === 3 ? null : `192.0.2.${index === 2 ? 1 : index}`;
  const outside = index === 3 ? {} : { outside: [{ physicalNetwork: "public", floating: true }] };
  return {
    mtuBytesMax: 1_500,
    spansHosts: true,
    underlay,
    publishes: index !== 3,
    limits: index !== 2,
    ...outside,
  };
};

interface Place {
  readonly machine: Pick<HostMachine, "name" | "world">;
}

/** What is on the drive of a guest that has just started. */
export function toldBy(
  hosts: readonly Place[],
  hostName: string,
  instanceId: string,
): { readonly told?: { readonly hostname: string; readonly userData: string } } {
  const told = hosts.find(({ machine }) => machine.name === hostName)?.machine.world.toldTo(instanceId);
  return told === undefined ? {} : { told: { hostname: told.hostname, userData: told.userData ?? "" } };
}

/** The shape that a guest of the host was last started with; null: none. */
export function shapeIn(hosts: readonly Place[], hostName: string, instanceId: string): MachineShape | null {
  const place = hosts.find(({ machine }) => machine.name === hostName);
  return place?.machine.world.shapes.of(instanceId) ?? null;
}
