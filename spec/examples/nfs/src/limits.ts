/** What bounds the work on an NFS server, with the reasons. */
export const nfsLimits = {
  /** A server that has not answered a call for so long is taken for silent; its kernel clients wait 60 s. */
  answerMsMax: 10_000,
  /** How long a connection may take, so that a call to a host that is off fails within the next limit too. */
  connectMsMax: 5_000,
  /** An answer is a page of a directory, at most: of 64 KiB, and what is around it. */
  answerBytesMax: 256 * 1024,
  /** Asked of the server in one page of a directory. */
  pageBytes: 65_536,
  /** Entries of one directory that are read: 20,000 volumes are more than a storage is made for. */
  entriesMax: 20_000,
  /** Pages of one directory: ten entries in each, at least, on a server that sends short ones. */
  pagesMax: 2_000,
  /** Source: RFC 1813, NFS3_FHSIZE. */
  handleBytesMax: 64,
  /** As file systems have it. */
  nameBytesMax: 255,
  /** Tries of a take-over that somebody comes between; each one of these has raised the epoch. */
  takeOversMax: 16,
  /** Tries to give a file away whose writer still writes: each write between look and change spoils one. */
  givingsMax: 256,
  /** Calls that wait for their answers at a time; who asks for more hears that the storage is busy. */
  callsMax: 64,
  /** How long a bridge may take to listen: it connects to the server first, on a computer that is busy. */
  bridgeBeginMsMax: 30_000,
  /** How long its end may take to show after SIGKILL; one that waits in the kernel is not gone. */
  bridgeEndMsMax: 5_000,
  /** How often it is looked whether a bridge listens, or has gone. */
  bridgeProbeMs: 20,
  /** What a bridge may leave in its log: why it did not begin is a line or two. Whole blocks of 512 bytes. */
  logBytesMax: 4_096,
} as const;
