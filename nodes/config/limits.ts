/** Limits that fill in what the configuration does not say. What an operator may tune is in cluster.yaml. */
export const configLimits = {
  /**
   * Memory of the machine that is kept from guests: the control plane's own target is 300 MiB, the rest is
   * the system's.
   */
  controlPlaneMemoryMib: 768,
} as const;
