/** Bounds of a config drive. */
export const configDriveLimits = {
  /**
   * The largest that a guest can be told: metadata of 128 pairs and a key of 64 KiB, each in four documents,
   * and user data; all of it is made in memory, in one piece.
   */
  bytesMax: 4 * 1024 * 1024,
  filesMax: 256,
  /** ECMA-119, 6.8.2.1: eight levels, the root and the file among them. */
  depthMax: 6,
} as const;
