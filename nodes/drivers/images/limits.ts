/** Limits of image files, which come from outside. They are never configured. */
export const imageLimits = {
  /** One file of an image. */
  imageBytesMax: 256 * 1024 ** 3,
  /** Directories that a refusal names. */
  sourcesNamedMax: 10,
  /** Time and address space of the tool that inspects an image file of unknown origin. */
  imageInspectTimeoutMs: 20_000,
  imageInspectMemoryBytesMax: 1024 ** 3,
  /** Open files of that tool: its libraries, the image, a few of its own. */
  imageInspectFilesMax: 64,
  /**
   * Tables of a qcow2 image, which are all read: bytes of the first table (as in QEMU), then bytes and number
   * of the second ones. A full image of 256 GiB has 32 MiB in 512 of them with clusters of 64 KiB, and 512
   * MiB in 131,072 with clusters of 4 KiB.
   */
  qcow2FirstTableBytesMax: 32 * 1024 ** 2,
  qcow2TableBytesMax: 512 * 1024 ** 2,
  qcow2TablesMax: 200_000,
  /** Of its counts of references, likewise: bytes of the table that names their blocks (as in QEMU). */
  qcow2CountTableBytesMax: 8 * 1024 ** 2,
  /**
   * Internal snapshots of a qcow2 image. No guest sees them, and each costs QEMU time whenever a guest
   * starts: 65,536 cost 19 s of processor time (QEMU 7.2).
   */
  qcow2SnapshotsMax: 16,
  /**
   * What may come out of a packed or converted image: so many times its bytes, but as much as this always. A
   * GiB of zeros is 36 kB of zstd.
   */
  unpackRatioMax: 1_000,
  unpackFreeBytes: 1024 ** 3,
  /** Time for unpacking or converting an image, and address space of the tool that does. */
  imageConvertTimeoutMs: 3_600_000,
  imageConvertMemoryBytesMax: 1024 ** 3,
  /** A copy of a disk is made in this time, and in so many bytes of the disk a millisecond beside it. */
  diskCopyMsMin: 1_800_000,
  diskCopyBytesPerMs: 16_384,
  /** What a copy of a disk may take beside its content: tables, and clusters that do not shrink. */
  copyOverheadBytes: 64 * 1024 ** 2,
  /** Bytes of a copy that are sent in one request. */
  copyPieceBytes: 8 * 1024 ** 2,
  /** What is kept of the words of a tool that unpacks an image. */
  toolErrorsBytesMax: 16 * 1024,
  /** Bytes that come out of a packed image between two looks at the room that is left. */
  unpackRoomBytes: 64 * 1024 ** 2,
  /** Uploads that are sealed at once by one process; and one of each project. */
  sealsAtOnceMax: 2,
  /** Bytes of an upload between two syncs: what a power loss may take. */
  uploadSyncBytes: 64 * 1024 ** 2,
  /** A host that gets nothing of an image for so long gives up; and how soon it asks again. */
  pullPatienceMs: 30_000,
  pullAgainMs: 1_000,
  /**
   * While servers are busy with others a host waits for its turn, so long and a millisecond more for so
   * many bytes of the image; then it asks as one that knows no peers, whom no controller lets wait.
   * Operations wait that much longer (fetch-time.ts).
   */
  pullTurnMsMin: 15_000,
  pullTurnBytesPerMs: 32 * 1024,
  /** A host may be silent for so long, and has to be faster in the long run than operations allow. */
  peerQuietMsMax: 5_000,
  peerBytesPerMsMin: 9 * 1024,
  /**
   * How long a host is asked for no image that it gave badly: when it failed, and when its bytes were
   * others.
   */
  peerFailedMs: 30_000,
  peerLiedMs: 3_600_000,
  /** Hosts remembered for a bad image. */
  peersRememberedMax: 1_000,
  /** How old a host's list of its cached images may be when it is told to others. */
  cacheListedMs: 2_000,
  /** Images that a host gives to other hosts at once, unless cluster.yaml says otherwise; and at most. */
  peerTransfersDefault: 2,
  peerTransfersMax: 8,
  /** A part of an image that a host did not go on with for so long is removed from its cache. */
  partKeptMs: 24 * 3_600_000,
  /**
   * Of the file system of a host's image cache, unless cluster.yaml says otherwise: the share that the cache
   * may take, and what it leaves free, as a share and at most.
   */
  cacheShareMax: 1 / 2,
  cacheFreeShareMin: 1 / 50,
  cacheFreeBytesMin: 2 * 1024 ** 3,
  /** Bytes that uploads leave free on the file system of the image store. */
  storeFreeBytesMin: 1024 ** 3,
} as const;
