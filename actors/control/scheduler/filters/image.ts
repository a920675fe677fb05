/**
 * Passes hosts that match the image's other properties, and refuses flavors that are too small for the image.
 */
import { type Check, efforts, type Refuse, type RequestFilter, type TimedRequest } from "./filter.ts";

export const image: RequestFilter = {
  name: "image",
  effort: efforts.asking,
  prepare: (request) => {
    const unfit = tooSmall(request);
    if (unfit !== undefined) return () => unfit;
    const checks = [hypervisorOf(request), machineTypeOf(request)].filter((check) => check !== undefined);
    if (checks.length < 2) return checks[0];
    return (host) => {
      for (const check of checks) {
        const result = check(host);
        if (result !== true) return result;
      }
      return true;
    };
  },
};

function tooSmall({ image: wants, memoryMib, diskGib }: TimedRequest): Refuse | undefined {
  const { memoryMibMin, diskGibMin } = wants;
  if (memoryMib < memoryMibMin)
    return () => ({
      reason: `the image wants ${memoryMibMin} MiB of memory, the flavor has ${memoryMib}`,
      remedy: `choose a flavor with at least ${memoryMibMin} MiB`,
    });
  // A flavor without a disk size takes the image's own, which is large enough by definition.
  if (diskGib === 0 || diskGib >= diskGibMin) return undefined;
  return () => ({
    reason: `the image wants ${diskGibMin} GiB of disk, the flavor has ${diskGib}`,
    remedy: `choose a flavor with at least ${diskGibMin} GiB, or with 0: the image's own size`,
  });
}

function hypervisorOf({ image: { hypervisor } }: TimedRequest): Check | undefined {
  if (hypervisor === undefined) return undefined;
  const refuse: Refuse = (host) => ({
    reason: `the image wants the hypervisor ${hypervisor}, the host has ${host.hypervisor}`,
    remedy: `choose an image for the hypervisor ${host.hypervisor}`,
  });
  return (host) => host.hypervisor === hypervisor || refuse;
}

/** The check of the machine type. A host that does not report its machine types passes. */
function machineTypeOf({ imageProperties }: TimedRequest): Check | undefined {
  const wanted = imageProperties?.hw_machine_type;
  if (wanted === undefined) return undefined;
  const refuse: Refuse = () => ({
    reason: `the image wants the machine type ${wanted}, which the host does not know`,
    remedy: `set hw_machine_type of the image to a type that the host knows`,
  });
  return ({ machineTypes }) => machineTypes.length === 0 || machineTypes.includes(wanted) || refuse;
}
