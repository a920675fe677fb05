/**
 * Every maximum, timeout and period of novact: one value, its unit in the name, its reason beside it.
 *
 * Nothing else in the code may hold a bare number of this kind. Values are integers.
 * This file must never read configuration: what an operator may tune is in cluster.yaml and defaults to
 * these.
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

  /** How long a caller waits when it does not say. */
  timeoutMsDefault: 10_000,
  /** The longest deadline a caller may ask for. */
  timeoutMsMax: 3_600_000,
  /** How long one question to a host may take; it only queues work there. */
  hostRequestTimeoutMs: 3_000,
  /** Long polls (events, console follow) are answered after this time at the latest. */
  waitMsMax: 30_000,
  /** Who waits for a caller gives up so long before the caller's deadline: the answer has to travel. */
  waitMarginMs: 100,
  /** How often old requests, tombstones and events are removed. */
  prunePeriodMs: 60_000,
  /** Who waits for something durable looks again after this time, should every hint be lost. */
  lookAgainMs: 1_000,
  /** Operations that one controller remembers to have begun: as many as it can have under way. */
  operationsNotedMax: 20_000,
  /**
   * Flavors and images may be this old when a create reads them; they never change, they only appear and go.
   */
  catalogCacheMs: 1_000,
  /** How often one create looks for hosts anew when the claims of others were faster. */
  placementAttemptsMax: 8,

  /** Who shows the steps of an operation asks for them again after this time; its end is heard at once. */
  progressPeriodMs: 400,
  /**
   * A person who asks a cluster that is down hears so after this time; a server that is restarted is back by
   * then.
   */
  commandConnectTimeoutMs: 3_000,
  /** Events in one page of the CLI: a page stays well below the size of a body. */
  eventPageLength: 200,
  /** Completion of names in a shell: a person waits for it with a finger on the key. */
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
  /** What a deadline of an operation gets on top of the deadlines of the host's own steps. */
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
   * What a sender that found a mailbox full is told to wait: a full mailbox of commits empties in about this
   * time.
   */
  mailboxRetryAfterMs: 250,
  /** Turns of one actor in a row before the others (and sockets and timers) have theirs. */
  turnsPerWake: 32,
  /**
   * After stop: how long a running turn may still take, and after it the actor's clean-up, before nobody
   * waits any more.
   */
  actorStopGraceMs: 10_000,
  /** Instance actors kept in memory by one controller; the least recently used idle one leaves first. */
  instanceActorsMax: 20_000,
  /** How often idle instance actors are looked for. */
  passivateSweepMs: 5_000,
  /** An instance actor without a message leaves memory after this time. */
  passivateAfterMs: 60_000,
  /** Conflicts with another controller before a command is answered ABORTED. */
  commitAttemptsMax: 5,

  /** A host reports at this period. */
  heartbeatPeriodMs: 2_000,
  /** Looked for at this period: fenced hosts with guests that can start elsewhere. */
  recoveryPeriodMs: 1_000,
  /** A recovery that finds no room is tried again after this time, for ever. */
  recoveryRetryMs: 15_000,
  /** A host lists everything it has at this period, whether it changed or not. */
  inventoryPeriodMs: 30_000,
  reconcilePeriodMs: 1_000,
  /**
   * The same instance is nudged again after this time at the earliest, then twice as long, up to the maximum.
   */
  nudgeBackoffMsMin: 1_000,
  nudgeBackoffMsMax: 15_000,
  /** Instances looked at in one round of the reconciler. */
  reconcileBatchMax: 500,

  /**
   * An instance that is not as asked for, without an operation, is a finding of the doctor after this time.
   */
  doctorPatienceMs: 60_000,
  /**
   * The doctor looks again after this time, and tells only what it found both times: longer than one
   * heartbeat.
   */
  doctorSecondLookMs: 2_500,

  /** Turns in one commit: keeps the subtransactions of a commit in PostgreSQL's cache of 64. */
  commitBatchMax: 60,
  /** Text of the turns in one commit; a create of 100 instances alone has about 200 KiB. */
  commitBatchBytesMax: 1024 * 1024,
  /** Turns waiting for a commit before commands are answered RESOURCE_EXHAUSTED. */
  commitQueueMax: 20_000,
  /**
   * Connections of one process to PostgreSQL: one for commits, the rest for reads; each costs about 10 MB
   * there.
   */
  storeConnectionsMax: 6,
  /** One statement may take so long, on either side. */
  storeTimeoutMs: 4_000,
  /**
   * How long a call waits for PostgreSQL to come back; when it has been away for longer, calls fail at once.
   */
  storePatienceMs: 4_000,
  /**
   * The first connection of a process may take longer: everything starts at once. A refused one fails at
   * once.
   */
  storeOpenTimeoutMs: 20_000,
  /** PostgreSQL is tried again after this time, then twice as long each time, up to the maximum. */
  storeBackoffMsMin: 20,
  storeBackoffMsMax: 500,
  /** Controllers that start at once wait so long for the one that migrates. */
  migrationTimeoutMs: 120_000,

  /** Request ids are remembered (and answered alike) for so long. */
  requestKeptMs: 26 * 3_600_000,
  /** Tombstones of deleted instances and their operations. */
  tombstoneKeptMs: 24 * 3_600_000,
  /** Events that can be replayed. */
  eventKeptMs: 30 * 24 * 3_600_000,
  /** Operations that have ended, of instances that live on. */
  operationKeptMs: 30 * 24 * 3_600_000,
  /**
   * Rows that one transaction of the pruning removes: it must not hold up commits for longer than a few ms.
   */
  pruneBatchMax: 500,
  /** Events one page looks at when no index serves its filter; about 20 ms of PostgreSQL. */
  eventScanMax: 20_000,
  /**
   * Bytes kept of what one QEMU process says on its standard error: the reason of a failure is among the last
   * lines.
   */
  processLogBytesMax: 64 * 1024,

  /**
   * From QEMU's start to its QMP greeting: 100 at once on two cores took 28 s here, one alone takes 30 ms.
   */
  qmpGreetingTimeoutMs: 45_000,
  /**
   * One QMP command on a socket that has greeted; it takes 0.3 ms, and a hanging QEMU shall not hold its
   * actor.
   */
  qmpCommandTimeoutMs: 5_000,
  /** One line of QMP. The longest answer this driver asks for has some hundred bytes. */
  qmpLineBytesMax: 1024 * 1024,
  /**
   * A connection to a living guest that broke is tried again after this time, then twice as long, up to the
   * maximum.
   */
  qmpReconnectBackoffMsMin: 10,
  qmpReconnectBackoffMsMax: 1_000,
  /**
   * What QEMU gets to end by itself after `quit` (it takes 8 ms, and flushes its disks) before it is killed.
   */
  quitTimeoutMs: 2_000,
  /** From SIGKILL until the process is seen gone; a process in disk sleep may take long. */
  killTimeoutMs: 15_000,
  /**
   * The tiny kernel reaches its marker in under 1 s where KVM works; where it does not, this is what the
   * first start pays.
   */
  acceleratorProbeTimeoutMs: 6_000,
  /** Guests adopted at the same time when an agent starts. */
  adoptionsAtOnce: 16,

  /** One file of an image. */
  imageBytesMax: 256 * 1024 ** 3,
  /** Time and address space of the tool that looks into a file from outside. */
  imageInspectTimeoutMs: 20_000,
  imageInspectMemoryBytesMax: 1024 ** 3,
  /** A half copy on shared storage that nobody has written to for so long is a dead host's. */
  sharedLeftoverMs: 600_000,
  /** What the tools that work on disks get to end. */
  diskToolTimeoutMs: 60_000,

  /** Guests restarted by themselves inside the window before their host gives up. */
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
  /** The power button is pressed again after this time: one that is still booting heard nothing. */
  buttonAgainMs: 5_000,
  /**
   * A host's verb that failed and must not be given up (halt, release, pause) is tried again after this time.
   */
  machineRetryMsMin: 500,
  machineRetryMsMax: 30_000,
  /**
   * Observation generations a host takes from one durable write of a machine's file; a life has about ten
   * changes.
   */
  generationsPerWrite: 32,
  /**
   * Ensures that may wait at one machine; the rest of its mailbox is kept for what its guest and effects say.
   */
  machineEnsuresMax: 100,
  /** Messages that may wait at a host: room for the end of every machine at once beside the questions. */
  hostMailboxLengthMax: 100_000,
  /** Time for all guests together to shut down when their host does, before they are halted. */
  hostShutdownGraceMs: 10_000,
  /** And for halting those that did not: their processes get SIGKILL in the end. */
  hostHaltMs: 10_000,
  /** The last reports of a host that ends; what was not heard is reported after its return. */
  hostFarewellMs: 2_000,
  /**
   * Reports of one host under way at once: a second one while the first waits for its commit, the rest
   * coalesce.
   */
  heartbeatsInFlightMax: 2,
  /** A passing state is reported after this time, when it has not passed: most of them are shorter. */
  passingReportDelayMs: 20,
  /**
   * An ensure is answered after this time at the latest: most work of a host is done by then, and the answer
   * says so.
   */
  ensureAnswerMs: 5,
  /** Observations in one report; below arrayLengthMax. */
  reportMachinesMax: 1_000,
  /** A host that reaches no controller tries again after this time, then twice as long, up to the maximum. */
  reportRetryMsMin: 100,
  reportRetryMsMax: 2_000,
  /** Machines a host remembers after they are gone, so that a late message cannot bring one back. */
  tombstonesMax: 10_000,
  /**
   * Callers that wait for console output of one host at once, and how often the log is looked at for them.
   */
  consoleWaitersMax: 256,
  consolePollMs: 100,
  /** How often console logs are cut to consoleLogBytesMax; what comes meanwhile is the host's to keep. */
  consoleTrimPeriodMs: 5_000,
  /** Guests that boot at once, for each CPU of the node: more only makes all of them later. */
  bootsPerCpu: 2,

  /** One question to the controller of a host's power: a TLS handshake alone can take 3 s there. */
  powerRequestTimeoutMs: 10_000,
  /** Attempts of one question, with this pause before the second, then twice as long, up to the maximum. */
  powerAttemptsMax: 4,
  powerRetryMsMin: 500,
  powerRetryMsMax: 4_000,
  /** How often it is asked whether the host is off by now; most are within 5 s. */
  powerPollMs: 1_000,
  /** The host must be said to be off for so long: one that is reset is off for a moment, too. */
  powerSettleMs: 3_000,
  /** From the order until the proof; then there is none. */
  powerOffTimeoutMs: 60_000,
  /** For a command that fences by the power: the time above, and what surrounds it. */
  fenceTimeoutMs: 75_000,
  /** Ending the session at a power controller holds up nobody for longer. */
  powerCloseTimeoutMs: 2_000,
  /** One answer of a power controller; a description of a system has some 10 KiB. */
  powerAnswerBytesMax: 1024 * 1024,
  /** What a power controller said, as kept in a proof. */
  powerSaidLengthMax: 200,
  /** A file that holds a password. */
  secretFileBytesMax: 1_024,

  /**
   * A server of our own (PostgreSQL, NATS) that does not answer by then did not start; recovery after a crash
   * included.
   */
  serverStartTimeoutMs: 60_000,
  /** A server that does not end when asked is killed after this time. */
  serverStopTimeoutMs: 10_000,
  /**
   * Pause before a process of the cluster that died is started again; doubles, and falls back after a longer
   * life.
   */
  keeperBackoffMsMin: 200,
  keeperBackoffMsMax: 10_000,
  /** At the end of `up` guests get so long to power down by themselves. The tiny one needs 2 s here. */
  upGuestPatienceMs: 15_000,
  /** A second signal within this time is the first one, heard twice. */
  upSecondSignalMsMin: 1_000,
  /** After this time a process's start is over, and what it left in memory can go. */
  startUpSettlesMs: 5_000,
  /** One phase of `npm test`; all of it shall take no more than 8 minutes, installation included. */
  testPhaseMsMax: 1_200_000,
  /** A server's log file is set aside at its next start when it has grown beyond this. */
  serverLogBytesMax: 4 * 1024 * 1024,
  /** A process's own log file; one older one of the same size is kept. */
  logBytesMax: 8 * 1024 * 1024,
  /** Connections to our own PostgreSQL; each costs memory, a controller needs about ten. */
  postgresConnectionsMax: 50,
  /** A host may answer one request within this time: a long poll and some. */
  natsResponseExpiresMs: 120_000,
  /** What JetStream of our own NATS server may keep: events are small, and PostgreSQL has them all. */
  jetStreamMemoryBytesMax: 64 * 1024 * 1024,
  jetStreamFileBytesMax: 4 * 1024 * 1024 * 1024,
  /**
   * Memory of the machine that is kept from guests: the control plane's own target is 300 MiB, the rest is
   * the system's.
   */
  controlPlaneMemoryMib: 768,
} as const;
