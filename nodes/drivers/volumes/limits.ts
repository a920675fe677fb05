/** Limits of the storage of volumes. They are never configured. */
export const volumeLimits = {
  /** Time for one question to a storage: a local disk takes a millisecond, a busy NFS server a second. */
  storageAnswerMsMax: 10_000,
  /** Questions that may wait for the answer to another question. */
  volumeQuestionsMax: 256,
  /** Volumes of a page: one question to a storage that takes 10 ms a file is answered within 4 s. */
  volumesPageMax: 200,
  /** What all volumes take is counted again after this time, */
  countPeriodMs: 60_000,
  /** and not before so many times as long as the last count took. */
  countPausesPerCount: 20,
  /**
   * From the start of a copy to its end, and no less than these bytes take: a slow network's 8 MiB a second.
   */
  volumeCopyMsMin: 3_600_000,
  volumeCopyBytesPerMsMin: 8 * 1024,
  /** What a packed image may become, as a multiple of what it takes. */
  volumeUnpackedTimesMax: 32,
  /** Copies that wait for the one that is being made: each has its caller's signal, and holds nothing. */
  volumeCopiesWaitingMax: 64,
  /** Address space of the tool that unpacks an image. */
  convertMemoryBytesMax: 2 * 1024 ** 3,
  convertFilesMax: 64,
  /** Concurrent take-overs succeed once for each epoch; more than a few failures in a row are no race. */
  takeOversMax: 8,
} as const;
