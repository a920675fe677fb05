/**
 * Passes hosts that can give the instance the hardware that its guest has seen since its first boot: a guest
 * that found another machine type, or another processor, would not be the same computer any more.
 */
import { type Lack, lackingOf, type MachineShape } from "../../../../protocol/shape.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const shape: RequestFilter = {
  name: "shape",
  effort: efforts.another,
  prepare: ({ shape: kept }) => {
    if (kept === undefined) return undefined;
    const refuse = refusals(kept);
    return ({ drivers }) => {
      const lack = lackingOf(kept, drivers?.shapes);
      return lack === undefined || refuse[lack];
    };
  },
};

/** One for each thing that a host may lack: no sentence is made for a host before somebody reads it. */
function refusals({ version, machineType, cpuModel }: MachineShape): Readonly<Record<Lack, Refuse>> {
  const since = "since its first boot";
  return {
    version: () => ({
      reason: `the guest has had hardware of version ${version} ${since}, which the host does not know`,
      remedy: "upgrade the agent of the host",
    }),
    machineType: () => ({
      reason: `the guest has had the machine type ${machineType} ${since}, which the host does not know`,
      remedy: `give the host a hypervisor that knows ${machineType}`,
    }),
    cpuModel: () => ({
      reason: `the guest has had the processor ${cpuModel} ${since}, which the host cannot give it`,
      remedy: `give the host processors and a hypervisor that can be ${cpuModel}`,
    }),
  };
}
