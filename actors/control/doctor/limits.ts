/** Limits of the doctor: how long it takes things for work in progress. They are never configured. */
export const doctorLimits = {
  /**
   * An instance that has no operation and is not in the state asked for becomes a finding of the doctor after
   * this time.
   */
  doctorPatienceMs: 60_000,
  /**
   * The doctor looks again after this time, and reports only what it found both times: longer than one
   * heartbeat.
   */
  doctorSecondLookMs: 2_500,
  /** A host that has not asked for its picture of networks for so long has stopped asking. */
  networkPatienceMs: 60_000,
  /** Findings about one host, and about instances with several processes; the others are counted. */
  hostFindingsMax: 100,
  /** Findings in one answer: so many of findingLengthMax characters fit into answerBytesMax. */
  findingsMax: 5_000,
  /** Characters of the message of a finding, which may be a host's words. */
  findingLengthMax: 500,
  /** Observations in one answer, beside the findings. */
  observationsMax: 100,
  /** Processes that a finding about an instance with several of them names. */
  processesNamedMax: 10,
  /** Hosts of one name that a finding names. */
  hostsNamedMax: 5,
  /** Hosts whose version is asked for at once. */
  hostsAskedAtOnceMax: 50,
  /** What there is of volumes in one place, in pages. A host that lists more is not believed. */
  volumeFilesMax: 100_000,
  /** Hosts that are asked to list the volumes of a storage, one after the other, until one can. */
  volumeHostsAskedMax: 3,
  /** A deleted volume whose file is there after this time is told of: some rounds of the volume sweeper. */
  volumeLeftMs: 300_000,
} as const;
