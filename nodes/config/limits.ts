/** Limits that fill in what the configuration does not say. What an operator may tune is in cluster.yaml. */
export const configLimits = {
  /**
   * Memory of the computer that is not given to guests: the control plane's target is 300 MiB, the rest is
   * for the system.
   */
  controlPlaneMemoryMib: 768,
} as const;
