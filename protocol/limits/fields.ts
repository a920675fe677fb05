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
  /** A label of a name in DNS: RFC 1035, 2.3.4. */
  hostnameLengthMax: 63,
  /** Characters of a guest's user data in base64, and the bytes that fit: Nova's limit. */
  userDataLengthMax: 65_535,
  userDataBytesMax: 49_149,
  /** Keys that one guest is told: an instance has one key pair. */
  guestKeysMax: 8,
  metadataKeysMax: 128,
  metadataValueLengthMax: 255,
  extraSpecsMax: 128,
  vcpusMax: 256,
  memoryMibMin: 16,
  memoryMibMax: 16 * 1024 * 1024,
  diskGibMax: 64 * 1024,
  /** No guest that needs more than a tebibyte of it is well. */
  swapMibMax: 1024 * 1024,
  /** What one host offers, times its overcommit ratios: more than any computer has. */
  hostVcpusMax: 1_048_576,
  hostMemoryMibMax: 1024 ** 3,
  hostDiskGibMax: 1024 ** 3,
  /** Size of a huge page: 16 GiB is the largest of any architecture. Pages of one size on a NUMA node. */
  pageSizeKibMax: 16 * 1024 * 1024,
  hostPagesMax: 512 * 1024 * 1024,
  /** Largest lists in a host's inventory: a CPU has about 150 flags, QEMU about 60 machine types. */
  hostLabelsMax: 64,
  /** Plug-ins of one cluster: each is code in every process. */
  pluginsMax: 50,
  hostFeaturesMax: 512,
  hostMachineTypesMax: 256,
  /** QEMU knows some 130 processor models in all. */
  hostCpuModelsMax: 256,
  /** Versions of machines' shapes that one host knows. */
  hostShapeVersionsMax: 64,
  shapeVersionMax: 1_000,
  hostNumaNodesMax: 64,
} as const;
