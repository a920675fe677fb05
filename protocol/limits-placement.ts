/**
 * The limits of what surrounds placement: creates of many, groups, hints, what hosts say of themselves. They
 * are a part of `limits` in limits.ts; everybody reads them there.
 */
export const placementLimits = {
  /** Instances of one create: a turn of some 5 MB, which holds up other commits for a part of a second. */
  createCountMax: 1_000,
  /** Instances that the answer to one create has in full; of the others it has the ids. */
  createListedMax: 100,
  /** Members of a group that may be on one host, when its rule allows more than one. */
  groupMembersMax: 100_000,
  /** Members that a group's view lists. */
  groupMembersListedMax: 1_000,
  /** Instances named in one scheduler hint. */
  hintInstancesMax: 100,
  extraSpecsMax: 128,
  /** What a host says about itself: a CPU has about 150 flags, QEMU about 60 machine types. */
  hostLabelsMax: 64,
  hostFeaturesMax: 512,
  hostMachineTypesMax: 256,
  hostNumaNodesMax: 64,
  /** Builds that fail in a row before a host is kept from new ones. Nova's threshold is 10 as well. */
  failedBuildsMax: 10,
} as const;
