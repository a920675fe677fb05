/**
 * Limits of single fields: the lengths of names and texts, the sizes of guests. Schemas refuse what is beyond
 * them, so they are never configured.
 */
export const fieldLimits = {
  /** Ids are tokens of NATS subjects. A UUID needs 36. */
  idLengthMax: 64,
  nameLengthMax: 255,
  reasonLengthMax: 1_024,
  /** As long as Nova's. */
  descriptionLengthMax: 255,
  pathLengthMax: 4_096,
  metadataKeysMax: 128,
  metadataValueLengthMax: 255,
  extraSpecsMax: 128,
  vcpusMax: 256,
  memoryMibMin: 16,
  memoryMibMax: 16 * 1024 * 1024,
  diskGibMax: 64 * 1024,
  /** What one host offers, times its overcommit ratios: more than any computer has. */
  hostVcpusMax: 1_048_576,
  hostMemoryMibMax: 1024 ** 3,
  hostDiskGibMax: 1024 ** 3,
  /** Size of a huge page: 16 GiB is the largest of any architecture. Pages of one size on a NUMA node. */
  pageSizeKibMax: 16 * 1024 * 1024,
  hostPagesMax: 512 * 1024 * 1024,
  /** Largest lists in a host's inventory: a CPU has about 150 flags, QEMU about 60 machine types. */
  hostLabelsMax: 64,
  hostFeaturesMax: 512,
  hostMachineTypesMax: 256,
  hostNumaNodesMax: 64,
} as const;
