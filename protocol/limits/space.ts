/**
 * When a file system counts as full: before its last byte, because stops, deletes, renewals and reports still
 * have to be written down. Hosts, controllers and `up` agree on it. They are never configured.
 */
export const spaceLimits = {
  /** A file system with less free than this is full. */
  fullBelowBytes: 128 * 1024 * 1024,
  /** Of a small file system: with less free than this share of it. */
  fullBelowShare: 1 / 8,
  /** A full file system has room again when so many times as much is free: not full and free by turns. */
  roomAgainShare: 1.25,
  /** File systems that a host reports. */
  spacesMax: 8,
} as const;
