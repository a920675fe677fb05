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
  /**
   * No new disk of a guest is placed where less than this would be left: guests that are there write on, and
   * go first. The one name that an operator's question "how full may it get" leads to.
   */
  newDiskFloorBytes: 4 * 1024 * 1024 * 1024,
  /** Of a file system on which that would be much: this share of it, yet never less than what is full. */
  newDiskFloorShare: 1 / 20,
  /**
   * A file system that has not answered for so long gets no new disk. Longer than a busy computer or a server
   * that starts anew takes.
   */
  silentMsMax: 30_000,
  /** The doctor advises when more than this share of a file system with disks is used. */
  advisedUsedShare: 0.85,
  /** File systems that a host reports. */
  spacesMax: 8,
} as const;
