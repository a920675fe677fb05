/**
 * Every maximum, timeout and period of novact: one value, its unit in the name, its reason beside it.
 *
 * No other code may hold a bare number of this kind. Values are integers. This file must never read
 * configuration: what an operator may tune is in cluster.yaml, with these values as defaults.
 */
import { leaseLimits } from "./lease.ts";
import { placementLimits } from "./placement.ts";
import { storageLimits } from "./storage.ts";
import { wireLimits } from "./wire.ts";

export const limits = {
  ...wireLimits,
  ...placementLimits,
  ...leaseLimits,
  ...storageLimits,

  /** Ids are tokens of NATS subjects. A UUID needs 36. */
  idLengthMax: 64,
  requestIdLengthMax: 128,
  nameLengthMax: 255,
  reasonLengthMax: 1_024,
  pathLengthMax: 4_096,
  metadataKeysMax: 128,
  metadataValueLengthMax: 255,

  pageLengthMax: 1_000,
  pageLengthDefault: 100,
  /** Bytes of console text in one answer; the guest's log is paged. */
  consolePageBytesMax: 128 * 1024,
  /** Bytes of console log kept for one guest on its host. */
  consoleLogBytesMax: 1024 * 1024,

  vcpusMax: 256,
  memoryMibMin: 16,
  memoryMibMax: 16 * 1024 * 1024,
  diskGibMax: 64 * 1024,

  /** Deadline of a request whose caller names none. */
  timeoutMsDefault: 10_000,
  /** The longest deadline a caller may ask for. */
  timeoutMsMax: 3_600_000,
  /** Deadline of one request to a host: the host only queues the work. */
  hostRequestTimeoutMs: 3_000,
  /** Long polls (events, console follow) are answered after this time at the latest. */
  waitMsMax: 30_000,
  /** How long before a caller's deadline a server stops waiting on its behalf: the answer has to travel. */
  waitMarginMs: 100,
  /** How often old requests, tombstones and events are removed. */
  prunePeriodMs: 60_000,
  /** A wait for a commit reads the store again after this time, in case every hint was lost. */
  lookAgainMs: 1_000,
  /** Operations that one controller remembers having started: as many as it can have under way. */
  operationsNotedMax: 20_000,
  /**
   * A create may rest on a flavor and an image that were read so long ago: its commit checks both, and no
   * refusal rests on them.
   */
  catalogCacheMs: 1_000,
  /** How often one create asks the scheduler again when other creates have claimed its hosts first. */
  placementAttemptsMax: 8,

  /**
   * Period at which a client that shows the steps of an operation asks for them; the end of the operation is
   * answered at once.
   */
  progressPeriodMs: 400,
  /**
   * How long a command tries to connect: after this time it says that the cluster is down; a server that is
   * being restarted is back by then.
   */
  commandConnectTimeoutMs: 3_000,
  /** Events in one page of the CLI: a page stays well below the size of a body. */
  eventPageLength: 200,
  /** Time for completing names in a shell: a person waits for it with a finger on the key. */
  completionTimeoutMs: 1_500,
  /** The doctor asks every host, reads every instance, and may look twice. */
  doctorTimeoutMs: 60_000,
  /** Time for a guest to shut down by itself before it is halted. Nova's shutdown_timeout is 60 s as well. */
  stopTimeoutMsDefault: 60_000,
  stopTimeoutMsMax: 3_600_000,
  /**
   * From acceptance to a running guest. A TCG boot behind 100 others took 191 s here, but only QEMU's start
   * counts.
   */
  buildTimeoutMs: 120_000,
  startTimeoutMs: 60_000,
  /** Pause, unpause, reset: one QMP round trip each. */
  verbTimeoutMs: 30_000,
  deleteTimeoutMs: 120_000,
  /** Added to the deadlines of the host's own steps to make the deadline of an operation. */
  operationGraceMs: 15_000,
  /** Hosts tried for one build, as in Nova (scheduler.max_attempts). */
  buildAttemptsMax: 3,

  /** Messages waiting in one actor's mailbox. */
  mailboxLengthMax: 1_000,
  /** Restarts of one actor inside the window before its supervisor gives up. */
  restartsMax: 5,
  restartWindowMs: 30_000,
  restartBackoffMsMin: 50,
  restartBackoffMsMax: 5_000,
  /**
   * Waiting time that a sender is told when a mailbox is full: a full mailbox of commits empties in about
   * this time.
   */
  mailboxRetryAfterMs: 250,
  /** Turns that one actor takes in a row before other actors, sockets and timers have theirs. */
  turnsPerWake: 32,
  /** After stop: how long the running turn, and then the actor's clean-up, are waited for. */
  actorStopGraceMs: 10_000,
  /** Instance actors kept in memory by one controller; the least recently used idle one leaves first. */
  instanceActorsMax: 20_000,
  /** How often idle instance actors are looked for. */
  passivateSweepMs: 5_000,
  /** An instance actor without a message leaves memory after this time. */
  passivateAfterMs: 60_000,
  /** Conflicts with another controller before a command is answered ABORTED. */
  commitAttemptsMax: 5,

  /** Period of a host's reports (heartbeats). */
  heartbeatPeriodMs: 2_000,
  /** Period at which fenced hosts are looked for whose guests can start on other hosts. */
  recoveryPeriodMs: 1_000,
  /** A recovery that finds no room is tried again after this time, for ever. */
  recoveryRetryMs: 15_000,
  /** Period at which a host lists all its machines, changed or not. */
  inventoryPeriodMs: 30_000,
  reconcilePeriodMs: 1_000,
  /** Least time between two nudges of the same instance; doubles with every nudge, up to the maximum. */
  nudgeBackoffMsMin: 1_000,
  nudgeBackoffMsMax: 15_000,
  /** Instances looked at in one round of the reconciler. */
  reconcileBatchMax: 500,

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

  /** Commits in one transaction: keeps its subtransactions in PostgreSQL's cache of 64. */
  commitBatchMax: 60,
  /** Text of the commits in one transaction; a create of 100 instances alone has about 200 KiB. */
  commitBatchBytesMax: 1024 * 1024,
  /** Commits waiting for their transaction before commands are answered RESOURCE_EXHAUSTED. */
  commitQueueMax: 20_000,
  /**
   * Connections of one process to PostgreSQL: one for commits, the rest for reads; each costs about 10 MB
   * there.
   */
  storeConnectionsMax: 6,
  /** Time for one SQL statement, enforced by the client and by PostgreSQL. */
  storeTimeoutMs: 4_000,
  /**
   * How long a call waits for PostgreSQL to come back. When PostgreSQL has been away for longer than this,
   * calls fail at once.
   */
  storePatienceMs: 4_000,
  /**
   * Time for the first connection of a process, longer because everything starts at once. A refused
   * connection fails at once.
   */
  storeOpenTimeoutMs: 20_000,
  /** PostgreSQL is tried again after this time, then twice as long each time, up to the maximum. */
  storeBackoffMsMin: 20,
  storeBackoffMsMax: 500,
  /** How long controllers that start at the same time wait for the one that migrates. */
  migrationTimeoutMs: 120_000,

  /** How long request ids are remembered, and repeated requests are answered alike. */
  requestKeptMs: 26 * 3_600_000,
  /** How long tombstones of deleted instances are kept, with their operations. */
  tombstoneKeptMs: 24 * 3_600_000,
  /** How long events are kept for replay. */
  eventKeptMs: 30 * 24 * 3_600_000,
  /** How long ended operations of existing instances are kept. */
  operationKeptMs: 30 * 24 * 3_600_000,
  /** Rows that one pruning transaction removes: it must not hold up commits for longer than a few ms. */
  pruneBatchMax: 500,
  /** Events one page looks at when no index serves its filter; about 20 ms of PostgreSQL. */
  eventScanMax: 20_000,
  /**
   * Bytes kept of the standard error of one QEMU process: the reason of a failure is among the last lines.
   */
  processLogBytesMax: 64 * 1024,

  /**
   * From QEMU's start to its QMP greeting: 100 at once on two cores took 28 s here, one alone takes 30 ms.
   */
  qmpGreetingTimeoutMs: 45_000,
  /**
   * Time for one QMP command after the greeting; it takes 0.3 ms, and a hanging QEMU must not hold up its
   * actor.
   */
  qmpCommandTimeoutMs: 5_000,
  /** One line of QMP. The longest answer this driver asks for has some hundred bytes. */
  qmpLineBytesMax: 1024 * 1024,
  /**
   * A broken QMP connection to a living guest is opened again after this time, then twice as long, up to the
   * maximum.
   */
  qmpReconnectBackoffMsMin: 10,
  qmpReconnectBackoffMsMax: 1_000,
  /** How long QEMU may take to end after `quit` (8 ms, with a flush of its disks) before it is killed. */
  quitTimeoutMs: 2_000,
  /** From SIGKILL until the process is seen gone; a process in disk sleep may take long. */
  killTimeoutMs: 15_000,
  /**
   * Time for the tiny kernel to reach its marker under KVM: under 1 s where KVM works; where it does not, the
   * first start takes this much longer.
   */
  acceleratorProbeTimeoutMs: 6_000,
  /** Guests adopted at the same time when an agent starts. */
  adoptionsAtOnce: 16,

  /** One file of an image. */
  imageBytesMax: 256 * 1024 ** 3,
  /**
   * A registration that took longer is not committed: two files of that size at 50 MB/s are 3 hours.
   */
  imageRegistrationMsMax: 4 * 3_600_000,
  /**
   * A registration has died when it has held a file for so long. Beyond the time above, with room for a clock
   * that was set and for a process that was paused.
   */
  imageHoldMs: 24 * 3_600_000,
  /** A file that no image has and nobody holds is left over when it is so old; what is younger may be new. */
  imageLeftoverMs: 600_000,
  /** How often a controller looks for such files. They cost space and nothing else. */
  imageSweepPeriodMs: 600_000,
  /** Time and address space of the tool that looks into a file from outside. */
  imageInspectTimeoutMs: 20_000,
  imageInspectMemoryBytesMax: 1024 ** 3,
  /** A partial copy on shared storage that was not written to for this long was left by a dead host. */
  sharedLeftoverMs: 600_000,
  /** Time for one run of a tool that works on disks. */
  diskToolTimeoutMs: 60_000,

  /** Automatic restarts of one guest inside the window before its host gives up. */
  guestRestartsMax: 5,
  guestRestartWindowMs: 600_000,
  /**
   * Before the first restart of a guest whose process died, then twice as long each time, up to the maximum.
   */
  guestRestartBackoffMsMin: 500,
  guestRestartBackoffMsMax: 60_000,
  /**
   * A guest that does not hear the power button of a soft reboot in this time is reset; below verbTimeoutMs.
   */
  softResetTimeoutMs: 20_000,
  /** The power button is pressed again after this time: a guest that was still booting did not hear it. */
  buttonAgainMs: 5_000,
  /**
   * A verb of the hypervisor port that failed and must not be given up (halt, release, pause) is tried again
   * after this time.
   */
  machineRetryMsMin: 500,
  machineRetryMsMax: 30_000,
  /**
   * Observation generations a host takes from one durable write of a machine's file; a life has about ten
   * changes.
   */
  generationsPerWrite: 32,
  /**
   * `ensure` messages that may wait at one machine; the rest of its mailbox is kept for messages of its guest
   * and its effects.
   */
  machineEnsuresMax: 100,
  /**
   * Messages that may wait at a host's actor: room for the ends of all machines at once, beside the requests.
   */
  hostMailboxLengthMax: 100_000,
  /** Time for all guests together to shut down when their host does, before they are halted. */
  hostShutdownGraceMs: 10_000,
  /** Time for halting the guests that did not shut down: in the end their processes get SIGKILL. */
  hostHaltMs: 10_000,
  /**
   * Time for the last reports of an agent that ends; what no controller heard is reported after its return.
   */
  hostFarewellMs: 2_000,
  /**
   * Reports of one host under way at once: a second one while the first waits for its commit; further ones
   * are merged.
   */
  heartbeatsInFlightMax: 2,
  /** A passing state is reported only when it lasts longer than this; most are shorter. */
  passingReportDelayMs: 20,
  /**
   * `ensure` is answered after this time at the latest: most of a host's work is done by then, and the answer
   * says so.
   */
  ensureAnswerMs: 5,
  /** Observations in one report; below arrayLengthMax. */
  reportMachinesMax: 1_000,
  /** A host that reaches no controller tries again after this time, then twice as long, up to the maximum. */
  reportRetryMsMin: 100,
  reportRetryMsMax: 2_000,
  /** Machines that a host remembers after they are gone, so that a late message cannot bring one back. */
  tombstonesMax: 10_000,
  /**
   * Callers that wait for console output on one host at once, and the period at which the logs are read for
   * them.
   */
  consoleWaitersMax: 256,
  consolePollMs: 100,
  /** Period at which console logs are cut to consoleLogBytesMax; in between they may grow beyond it. */
  consoleTrimPeriodMs: 5_000,
  /** Guests that boot at once for each CPU of the node: more would only delay all of them. */
  bootsPerCpu: 2,

  /** One request to a power controller (BMC): a TLS handshake alone can take 3 s there. */
  powerRequestTimeoutMs: 10_000,
  /** Attempts of one request to a power controller; the pause before the second doubles up to the maximum. */
  powerAttemptsMax: 4,
  powerRetryMsMin: 500,
  powerRetryMsMax: 4_000,
  /** Period of asking the power controller whether the host is off; most hosts are off within 5 s. */
  powerPollMs: 1_000,
  /**
   * How long the power controller must report the host as off: a host that is reset is off for a moment, too.
   */
  powerSettleMs: 3_000,
  /** From the order to switch off until the proof; after this time the fence fails. */
  powerOffTimeoutMs: 60_000,
  /** Deadline of a command that fences by power: powerOffTimeoutMs, and the steps around it. */
  fenceTimeoutMs: 75_000,
  /** How long ending a session at a power controller is waited for. */
  powerCloseTimeoutMs: 2_000,
  /** One answer of a power controller; a ComputerSystem resource has some 10 KiB. */
  powerAnswerBytesMax: 1024 * 1024,
  /** A power controller's words, as kept in a proof. */
  powerSaidLengthMax: 200,
  /** Largest file that is read for a password. */
  secretFileBytesMax: 1_024,

  /** Time for a server of our own (PostgreSQL, NATS) to start, recovery after a crash included. */
  serverStartTimeoutMs: 60_000,
  /** A server that does not end when asked is killed after this time. */
  serverStopTimeoutMs: 10_000,
  /**
   * Pause before a process of the cluster that died is started again; doubles, and falls back once the
   * process has lived for longer.
   */
  keeperBackoffMsMin: 200,
  keeperBackoffMsMax: 10_000,
  /** Time for guests to power down by themselves when `up` ends. The tiny guest needs 2 s. */
  upGuestPatienceMs: 15_000,
  /** A second signal within this time counts as the first one heard twice. */
  upSecondSignalMsMin: 1_000,
  /** After this time a process has started, and the memory that its start used can be freed. */
  startUpSettlesMs: 5_000,
  /**
   * Time for one phase of `npm test`; all phases together take no more than 8 minutes, installation included.
   */
  testPhaseMsMax: 1_200_000,
  /** A server's log file is set aside at its next start when it has grown beyond this. */
  serverLogBytesMax: 4 * 1024 * 1024,
  /** Largest log file of a process; one older file of the same size is kept. */
  logBytesMax: 8 * 1024 * 1024,
  /** Connections to our own PostgreSQL; each costs memory, a controller needs about ten. */
  postgresConnectionsMax: 50,
  /** How long the NATS server lets a host answer one request: longer than a long poll. */
  natsResponseExpiresMs: 120_000,
  /**
   * Memory and disk of JetStream in our own NATS server: events are small, and PostgreSQL has all of them.
   */
  jetStreamMemoryBytesMax: 64 * 1024 * 1024,
  jetStreamFileBytesMax: 4 * 1024 * 1024 * 1024,
  /**
   * Memory of the computer that is not given to guests: the control plane's target is 300 MiB, the rest is
   * for the system.
   */
  controlPlaneMemoryMib: 768,
} as const;
