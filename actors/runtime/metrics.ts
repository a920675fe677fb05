/**
 * Everything that a meter can count: each metric's name, kind, meaning, labels, and the values that a label
 * may have. Names follow Prometheus's conventions: base units, `_total` for what only grows. A label must
 * never hold what a tenant makes (a project, an instance, a request), nor the id of a host: its values are a
 * closed list, or names that the program or the operator's configuration gives, of which a meter tells a
 * bounded number apart. nodes/metrics/README.md lists all of them for people.
 */
import { guardDeeds, guardReasons } from "../../protocol/guard.ts";
import { machineStates } from "../../protocol/states.ts";
import type { Binding } from "../../protocol/wire/binding.ts";
import { type Code, codes } from "../../protocol/wire/reasons.ts";
import { actorLimits } from "./limits.ts";

/**
 * `counter`: only grows while its process lives. `gauge`: what is so now. `time`: how long something took, in
 * ms where it is noted and in seconds where it is read. `size`: how large something was.
 */
export type Kind = "counter" | "gauge" | "time" | "size";

/** A label whose values are not known beforehand: so many are told apart, all further ones are `other`. */
interface Named {
  readonly most: number;
}

type Label = readonly string[] | Named;

export interface Definition {
  readonly kind: Kind;
  /** One sentence, without the names of labels. */
  readonly help: string;
  readonly labels: Readonly<Record<string, Label>>;
}

const define =
  <K extends Kind>(kind: K) =>
  <const L extends Definition["labels"]>(help: string, labels: L) =>
    ({ kind, help, labels }) as const;
const counter = define("counter");
const gauge = define("gauge");
const time = define("time");
const size = define("size");

const none = {};
const answers: readonly ("OK" | Code)[] = ["OK", ...(Object.keys(codes) as Code[])];
/** `images`: of controllers, for each other. */
const doors: readonly (Binding["kind"] | "images")[] = ["command", "report", "host", "images"];
const methods: Named = { most: actorLimits.meteredMethodsMax };
const named: Named = { most: actorLimits.meteredNamesMax };

/**
 * The kinds of CommitResult: one that is missing does not compile where commits are counted. `failed`: the
 * store answered with an error, or not at all, and the commit may have happened.
 */
const commitResults = [
  "committed",
  "duplicate",
  "conflict",
  "hostFull",
  "nameTaken",
  "missing",
  "inUse",
  "groupRule",
  "quotaExceeded",
  "zoneConflict",
  "zoneInUse",
  "failed",
] as const;

const metrics = {
  novact_calls_total: counter("Requests that were answered; OK: with something else than an error.", {
    method: methods,
    code: answers,
  }),
  novact_call_seconds: time("Time from the arrival of a request to its answer.", { method: methods }),
  novact_calls_kept_out_total: counter("Messages beyond their sender's share, which were not read.", {
    door: doors,
    how: ["refused", "dropped"],
  }),
  novact_calls_under_way: gauge("Requests that are not answered yet.", { door: doors }),

  novact_plugin_faults_total: counter("Filters and weighers of plug-ins that failed when they were asked.", {
    part: named,
  }),
  novact_commits_total: counter("Commits by what became of them.", { result: commitResults }),
  novact_commits_waiting: gauge("Commits that wait in line for their batch.", none),
  novact_commit_line_seconds: time("Time that a commit waited in line before its batch was sent.", none),
  novact_commit_batch_seconds: time("Time of one batch of commits in the database, there and back.", none),
  novact_commit_batch_commits: size("Commits in one batch.", none),
  novact_postgres_connections: gauge("Connections to PostgreSQL.", { state: ["used", "idle"] }),
  novact_postgres_waiting: gauge("Statements that wait for a connection to PostgreSQL.", none),

  novact_events_unpublished: gauge("Events that were committed and are not known to be in the stream.", none),

  novact_actors: gauge("Actors that are there.", none),
  novact_actor_turns_total: counter("Messages that actors have handled.", none),
  novact_actor_restarts_total: counter("Actors that crashed; failed: their supervisor has given up.", {
    how: ["restarted", "failed"],
  }),
  novact_mailbox_messages: gauge("Messages that wait in all mailboxes.", none),
  novact_mailbox_longest_messages: gauge("Messages that wait in the mailbox that has most.", none),
  novact_mailbox_refused_total: counter("Messages that a full mailbox did not take.", none),
  novact_loop_ended_seconds: gauge("Time since the last round of a loop ended.", { loop: named }),
  novact_loop_took_seconds: gauge("How long the last round of a loop took.", { loop: named }),
  novact_loop_failed: gauge("Whether the last round of a loop failed.", { loop: named }),
  novact_loop_hanging_rounds: gauge("Rounds of a loop that were given up and have not ended.", {
    loop: named,
  }),

  novact_lease_renewals_total: counter("Renewals of host leases that the database has taken.", none),
  novact_lease_renewals_late_total: counter(
    "Renewals of host leases that were seen later than two heartbeats after the one before.",
    none,
  ),
  novact_lease_oldest_seconds: gauge("Time since the oldest last renewal of a lease that is held.", none),
  novact_recovery_braked: gauge("Whether recovery is stopped, because too many hosts are lost.", none),

  novact_guests: gauge("Guests on this node, by the state that was observed last.", { state: machineStates }),
  novact_guard_deeds_total: counter("What the guard of this node did to guests since its computer started.", {
    what: guardDeeds,
    why: guardReasons,
  }),

  novact_port_packets_total: counter(
    "Packets of all guests on this node: given to them, and sent by them, also those that were dropped then.",
    { direction: ["in", "out"] },
  ),
  novact_port_bytes_total: counter("Bytes of these packets.", { direction: ["in", "out"] }),
  novact_port_dropped_total: counter(
    "Packets to guests (in) and of guests (out) that were dropped on this node; a series is there where they are counted.",
    { direction: ["in", "out"], why: ["rule", "limit", "forged", "other"] },
  ),

  novact_file_system_free_bytes: gauge("Room that is left on a file system.", { of: named }),
  novact_file_system_size_bytes: gauge("Size of a file system.", { of: named }),
  novact_file_system_full: gauge("Whether a file system counts as full.", { of: named }),
  novact_file_system_silent_seconds: gauge("For how long a file system has not answered.", { of: named }),
  novact_disks_allocated_bytes: gauge("What the disks of a host's guests take.", { of: named }),
  novact_images_cached_bytes: gauge("What cached images take, of a shared storage those of all hosts.", {
    of: named,
  }),
  novact_images_sent_bytes_total: counter(
    "Bytes of images that the process has sent: a controller to hosts and people, a node to nodes.",
    none,
  ),
  novact_images_sending: gauge("Images on their way from the process now.", none),
  novact_images_brought_bytes_total: counter("Bytes of images that came to this node.", {
    from: ["controllers", "hosts"],
  }),
  novact_images_wrong_total: counter(
    "Images that came to this node with other bytes than their own, and came anew.",
    none,
  ),
  novact_volumes_size_bytes: gauge("Size of a storage of volumes that the host sees.", { of: named }),
  novact_volumes_free_bytes: gauge("What is free there.", { of: named }),
  novact_volumes_promised_bytes: gauge("The sizes of the volumes there, those of all hosts.", { of: named }),
  novact_volumes_allocated_bytes: gauge("What these volumes really take.", { of: named }),

  novact_nats_connected: gauge("Whether there is a connection to NATS.", none),
  novact_nats_reconnects_total: counter("Connections to NATS that were lost and came back.", none),
  novact_nats_connections: gauge("Connections that our own NATS server has.", none),
  novact_nats_slow_consumers_total: counter(
    "Connections that our own NATS server has ended, because their reader was too slow.",
    none,
  ),

  novact_thread_up: gauge("Whether a thread said what it has counted when it was asked.", none),
  novact_loop_delay_seconds: gauge("How late the thread's event loop was, since it was last asked.", {
    of: ["mean", "p99", "max"],
  }),
  novact_heap_bytes: gauge("Memory of JavaScript that the thread uses.", none),
  process_resident_memory_bytes: gauge("Resident memory of the process.", none),
  process_cpu_seconds_total: counter("Processor time of the process.", none),
  process_start_time_seconds: gauge("When the process began, in seconds since 1970.", none),
} as const;

type Metrics = typeof metrics;
export type MetricName = keyof Metrics;

type NamesOf<K extends Kind> = {
  [N in MetricName]: Metrics[N]["kind"] extends K ? N : never;
}[MetricName];
export type CounterName = NamesOf<"counter">;
export type GaugeName = NamesOf<"gauge">;
export type TimeName = NamesOf<"time">;
export type SizeName = NamesOf<"size">;

type ValueOf<L> = L extends readonly (infer V extends string)[] ? V : string;
export type LabelsOf<N extends MetricName> = {
  readonly [L in keyof Metrics[N]["labels"]]: ValueOf<Metrics[N]["labels"][L]>;
};

/** The same without the types of single metrics, for whoever reads all of them. */
export const definitions: ReadonlyMap<string, Definition> = new Map(Object.entries<Definition>(metrics));

const timeBoundsS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;
const sizeBounds = [1, 2, 5, 10, 20, 50, 100, 200] as const;

/** Upper bounds of the buckets of a time, in seconds, or of a size; none for what has no buckets. */
export const boundsOf = (kind: Kind): readonly number[] => {
  if (kind === "time") return timeBoundsS;
  return kind === "size" ? sizeBounds : [];
};
