/** Passes hosts that suit the image's other properties, and refuses flavors that are too small for it. */
import type { Filter } from "./filter.ts";

export const image: Filter = {
  name: "image",
  check: (host, request) => {
    const { hypervisor, memoryMibMin, diskGibMin } = request.image;
    if (hypervisor !== undefined && hypervisor !== host.hypervisor)
      return () => `the image wants the hypervisor ${hypervisor}, the host has ${host.hypervisor}`;
    if (request.memoryMib < memoryMibMin)
      return () => `the image wants ${memoryMibMin} MiB of memory, the flavor has ${request.memoryMib}`;
    // A flavor without a disk size takes the image's own, which is large enough by definition.
    if (request.diskGib !== 0 && request.diskGib < diskGibMin)
      return () => `the image wants ${diskGibMin} GiB of disk, the flavor has ${request.diskGib}`;
    return true;
  },
};
