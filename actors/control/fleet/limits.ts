/**
 * Limits of what a controller does with hosts: counts renewals, fences, recovers, disables. They are
 * never configured.
 */
export const fleetLimits = {
  /**
   * Least time between two writes of host-lease renewals by one controller: a thousand hosts then are 20
   * writes a second, each a flush of the disk, and not 200. The first renewal does not wait; a later one is
   * answered later by up to this time.
   */
  renewalPeriodMs: 50,
  /**
   * A write of renewals that takes longer is given up, and its hosts are told to ask again: they have the
   * rest of their leases for that. Longer than a statement of the store may take.
   */
  renewalRoundMsMax: 5_000,
  /** Without renewals, how often is looked for some; each of them begins a write itself. */
  renewalIdleMs: 1_000,
  /** A judgement of all host leases that takes longer is given up: some commits of the store. */
  fencerRoundMsMax: 30_000,
  breakerRoundMsMax: 30_000,
  /** Whoever looks at a host is not kept waiting for longer when the host does not answer. */
  hostShownPatienceMs: 2_000,
  /** Reports of one host that wait for the instances' actors at once; an agent sends one after another. */
  reportsAtOncePerHostMax: 4,
  /**
   * Registrations that read and write the store at once: of the safety channel's four connections, one is for
   * commits, and renewals need one whatever a thousand agents do that begin together.
   */
  registrationsAtOnceMax: 2,
  /** How long a registration waits until the actors know the host; they read all hosts each second anyway. */
  hostsChangedMsMax: 1_000,
  /**
   * Hosts that were last heard from within this time of each other were lost at once: one event took them.
   */
  lostAtOnceMs: 30_000,
  /** Hosts that were lost one after the other within this time count together as one mass failure. */
  massFailureWindowMs: 300_000,
  /**
   * Guests under way to another host at once, in the whole cell (the deployment): their new hosts must not be
   * overrun.
   */
  recoveriesAtOnceMax: 20,
  /** Period at which fenced hosts are looked for whose guests can start on other hosts. */
  recoveryPeriodMs: 1_000,
  /**
   * After this silence of a host, its storage lease is asked about: three renewals are missing. Later than
   * storageMissedMs by more than one renewal, so that hosts that were lost at once are all missed by then.
   */
  storageTakeMs: 6_000,
  /**
   * After this silence a host counts as missed: one renewal is late by more than a busy moment. Used only to
   * tell one lost host from many.
   */
  storageMissedMs: 3_500,
  /** At most one in this many hosts is disabled for failed builds; with fewer hosts, one. */
  failingHostsShare: 3,
  /** Least time between two lines of the log about what is wrong with the reports of one host. */
  strangeLogPeriodMs: 10_000,
  /** Entries of each kind that such a line names. */
  strangeNamedMax: 3,
  /**
   * Pages of an instance's events that are read to learn whether it was taken from a host whose guard did
   * something to it: some thousands of events, of the 30 days that they are kept.
   */
  takenPagesMax: 5,
  /** How long the doctor shows what was wrong with a report: a host repeats it every two seconds. */
  strangeShownMs: 15_000,
  /**
   * What a host may cause at one controller that leaves a row, an event or work behind: so many at once, and
   * one more in each period. Registrations that say something new; one that repeats what is stored costs
   * nothing. An agent that finds its budget used up by somebody else is registered one period later, well
   * before its host lease ends.
   */
  registrationsBurstMax: 20,
  registrationPeriodMs: 5_000,
  /** Deeds of its guard: all that a guard remembers (guardDeedsMax), twice. Each is three rows at most. */
  deedsBurstMax: 1_024,
  deedPeriodMs: 2_000,
  /**
   * Lists of all its machines, for each of which the missing ones are asked for: two by each agent that
   * begins, and one in 30 s.
   */
  completeReportsBurstMax: 20,
  completeReportPeriodMs: 5_000,
  /**
   * Questions of a host for what it has to know of networks: every 15 s, when a guest is plugged in, and when
   * the host is told that something has changed.
   */
  networkQuestionsBurstMax: 100,
  networkQuestionPeriodMs: 100,
  /** Questions of a host for images: up to three for each guest that is made, and more while none comes. */
  imageQuestionsBurstMax: 300,
  imageQuestionPeriodMs: 100,
  /** Hosts whose budgets are remembered; the budget of one that is forgotten is full again. */
  reportBudgetsMax: 10_000,
  /** Instances with an impossible generation whose host is told the stored one, after one report. */
  generationsToldMax: 20,
  /** A move that lowers the spread of the hosts' loads by less than this is not worth its cost. */
  rebalanceGainMin: 0.001,
} as const;
