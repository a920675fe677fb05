/** Limits of registrations of images, and of the sweep after them. They are never configured. */
export const catalogLimits = {
  /**
   * Longest registration of an image that is committed: two files of the largest size at 50 MB/s take 3
   * hours.
   */
  imageRegistrationMsMax: 4 * 3_600_000,
  /**
   * A file that no image has and no registration holds is a leftover at this age; a younger file may be new.
   */
  imageLeftoverMs: 600_000,
  /** Period at which a controller looks for leftover files, which cost only space. */
  imageSweepPeriodMs: 600_000,
  /** A look that takes longer is given up: the storage of the files does not answer. */
  imageSweepRoundMsMax: 300_000,
  /**
   * A ticket for the bytes of an image opens the way for so long; what has begun by then goes on. A transfer
   * that was cut off asks for another one.
   */
  imageTicketMs: 900_000,
  /** Hosts to which one controller gives one image at once, where hosts give it to each other as well. */
  hostFetchesAtOnceMax: 2,
  /** Hosts that are asked at once for an image that another host needs, and how long each may take. */
  peersAskedMax: 4,
  peerAnswerMsMax: 500,
  /** Peers named to a host in one answer. */
  peersNamedMax: 3,
  /**
   * How long a host that asked for an image is taken for one that has it by now, and of how many images and
   * hosts that is remembered.
   */
  imageAskedKeptMs: 600_000,
  imagesAskedMax: 200,
  hostsAskingMax: 64,
  /** Hosts that are asked in one look to remove what is left on one storage. */
  sweepHostsAskedMax: 4,
  /** Period at which a controller looks for uploads that nobody goes on with. */
  uploadSweepPeriodMs: 600_000,
  /** How long another controller may take to say that it is there. */
  holderAnswerMsMax: 5_000,
  /** Period at which a controller has files of deleted volumes removed: their room is taken until then. */
  volumeSweepPeriodMs: 30_000,
  /** Period of that sweep while copies of volumes are under way. */
  volumeCopyLookMs: 1_000,
  /** A look that takes longer is given up: a host does not answer. */
  volumeSweepRoundMsMax: 300_000,
  /** How often a controller looks at copies of disks on their way to images, and where it knows of none. */
  copyLookMs: 1_000,
  copyIdleMs: 60_000,
  /** A look asks hosts, all at once. */
  copyLookMsMax: 60_000,
  /** Images under way that one look has. */
  copiesLookedAtMax: 500,
  /** A host that does not answer for so long is given up, and its copy with it. */
  copyHostSilentMsMax: 120_000,
  /** An image is made in this time, and in so many bytes of the disk a millisecond beside it. */
  copyMsMin: 1_800_000,
  copyBytesPerMs: 16_384,
  /** What a copy may take beside the disk's own size: tables, and clusters that do not shrink. */
  diskBytesPerOverheadByteMin: 64,
  copyOverheadBytesMin: 4 * 1024 ** 2,
} as const;
