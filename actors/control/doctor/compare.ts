/**
 * The doctor's judgement: compares what PostgreSQL remembers, what the hosts' actors believe, and the
 * processes and files that are really there. Pure: examine.ts collects all this.
 *
 * Work in progress is no finding: an instance that is not settled is judged only by its deadlines. The three
 * sides are read one after the other, so a busy cluster may look inconsistent for a moment: `inBoth` keeps
 * the differences that last.
 */
import type { Finding } from "../../../protocol/host.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import type { LeftOut } from "../../../protocol/wire/understood.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import { atMost } from "./at-most.ts";
import { compareClaims } from "./claims.ts";
import { diskFindings } from "./disks.ts";
import { driverObservations, type Observation } from "./drivers.ts";
import { brakeFindings, fencedFindings, heldFindings } from "./fenced.ts";
import { keptOn } from "./holdings.ts";
import { compareHost } from "./host.ts";
import { imageCacheFindings } from "./image-caches.ts";
import { imageFindings } from "./images.ts";
import { type Audit, type DoctorInput, hostCalled, type Known } from "./input.ts";
import { doctorLimits } from "./limits.ts";
import { nameFindings } from "./names.ts";
import { networkFindings } from "./networks.ts";
import { pluginFindings } from "./plugins.ts";
import { portFindings } from "./ports.ts";
import { compareQuotas } from "./quotas.ts";
import { sinkFindings } from "./sinks.ts";
import { overcommitObservations, spaceFindings } from "./space.ts";
import { storageFindings } from "./storage-room.ts";
import { uploadFindings } from "./uploads.ts";
import { heldVolumeFindings, volumeFileFindings } from "./volume-files.ts";
import { volumeStorageFindings } from "./volume-storages.ts";
import { volumeFindings } from "./volumes.ts";
import { zoneFindings } from "./zones.ts";

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly compared: Readonly<Record<string, number>>;
  readonly observations: readonly Observation[];
}

export function compare(input: DoctorInput): Diagnosis {
  const audits = input.answers.flatMap((answer) => ("audit" in answer ? [answer.audit] : []));
  const known: Known = {
    settled: new Map(settledRows(input).map((row) => [row.instance.id, row])),
    unsettled: new Set(input.unsettled.map(({ instance }) => instance.id)),
    hostNames: new Map(input.hosts.map(({ id, name }) => [id, name])),
  };
  const findings = [
    ...brakeFindings(input),
    ...silentHosts(input, known),
    ...strangeHosts(input, known),
    ...excessiveHosts(input, known),
    ...fencedFindings(input, known),
    ...heldFindings(input, known),
    ...atMost(doctorLimits.hostFindingsMax, nameFindings(input), "names of hosts"),
    ...compareClaims(input, known),
    ...compareQuotas(input),
    ...atMost(doctorLimits.hostFindingsMax, storageFindings(input), "room on storages"),
    ...atMost(doctorLimits.hostFindingsMax, zoneFindings(input, known), "zones"),
    ...overdueOperations(input),
    ...stuckInstances(input),
    ...spaceFindings(input, known),
    ...atMost(doctorLimits.hostFindingsMax, volumeStorageFindings(input, known), "storages of volumes"),
    ...pluginFindings(input, known),
    ...sinkFindings(input),
    ...audits.flatMap((audit) => compareHost(audit, known)),
    ...twice(audits, known),
    ...atMost(doctorLimits.hostFindingsMax, diskFindings(input, known), "shared disks"),
    ...imageFindings(input),
    ...atMost(doctorLimits.hostFindingsMax, uploadFindings(input), "uploads"),
    ...atMost(doctorLimits.hostFindingsMax, imageCacheFindings(audits, known), "image caches"),
    ...atMost(doctorLimits.hostFindingsMax, portFindings(input), "ports"),
    ...atMost(doctorLimits.hostFindingsMax, volumeFindings(input), "volumes"),
    ...atMost(doctorLimits.hostFindingsMax, volumeFileFindings(input, known), "files of volumes"),
    ...atMost(doctorLimits.hostFindingsMax, heldVolumeFindings(audits, known), "volumes in guests"),
    ...atMost(doctorLimits.hostFindingsMax, networkFindings(input, known), "networks of hosts"),
  ];
  return {
    findings: atMost(doctorLimits.findingsMax, findings, "the cluster").map(brief),
    compared: counts(input, audits),
    observations: [...driverObservations(input.hosts), ...overcommitObservations(input)]
      .map(brief)
      .slice(0, doctorLimits.observationsMax),
  };
}

/** What a finding says may be a host's words. */
function brief<F extends { readonly message: string }>(finding: F): F {
  const { findingLengthMax } = doctorLimits;
  if (finding.message.length <= findingLengthMax) return finding;
  return { ...finding, message: `${finding.message.slice(0, findingLengthMax).toWellFormed()}…` };
}

/** Hosts that say what cannot be read, or cannot be: the rest of what they say was compared. */
function strangeHosts({ answers, strange = [] }: DoctorInput, known: Known): Finding[] {
  const unread = answers.flatMap((answer) =>
    "audit" in answer && answer.leftOut !== undefined
      ? [{ hostId: answer.hostId, message: unreadable(answer.leftOut) }]
      : [],
  );
  const reported = strange.map(({ hostId, example }) => ({
    hostId,
    message: `It reports what cannot be, and that is not stored: ${example}`,
  }));
  return [...unread, ...reported].map(({ hostId, message }) => ({
    kind: "drift",
    subject: hostCalled(known, hostId),
    message,
    next: "Restart its agent. When it stays: is the agent newer than the controllers? Else do not trust that host.",
  }));
}

/** Hosts that register anew, list all their machines or tell of their guards too often. */
const excessiveHosts = ({ excessive = [] }: DoctorInput, known: Known): Finding[] =>
  excessive.map((hostId) => ({
    kind: "drift",
    subject: hostCalled(known, hostId),
    message: "It reports more than an honest host does, and what is beyond that is refused.",
    next: "The controllers' logs say what. Restart its agent; when it stays, do not trust that host: fence it.",
  }));

const unreadable = ({ entries, sentences: [first = ""] }: LeftOut): string =>
  `${entries} entries of its answer cannot be read: ${first}`;

function settledRows({ instances, unsettled }: DoctorInput): readonly InstanceRow[] {
  const busy = new Set(unsettled.map(({ instance }) => instance.id));
  return instances.filter(({ instance }) => instance.settled && !busy.has(instance.id));
}

function silentHosts({ answers, instances }: DoctorInput, known: Known): Finding[] {
  return answers.flatMap((answer) => {
    if ("audit" in answer) return [];
    const there = instances.filter(({ instance }) => instance.hostId === answer.hostId).length;
    const were = `${counted(there, "instance")} ${there === 1 ? "was" : "were"}`;
    return [
      {
        kind: "drift" as const,
        subject: hostCalled(known, answer.hostId),
        message: `It could not be asked, so its ${were} not compared: ${answer.error}`,
        next:
          "Is its agent running, connected to NATS, and its disk not full? " +
          "novact host list tells when it was heard.",
      },
    ];
  });
}

function overdueOperations({ operations, nowMs }: DoctorInput): Finding[] {
  return operations
    .filter((operation) => nowMs > operation.deadlineAtMs + lifeLimits.operationGraceMs)
    .map((operation) => ({
      kind: "stuck",
      subject: `operation ${operation.id}`,
      message: `The ${operation.kind} of ${operation.noun} ${operation.entityId} has outlived its deadline.`,
      next: "Is a controller running? Its reconciler ends operations at their deadline.",
    }));
}

/**
 * Instances that are not settled, have nothing under way and have not changed for a while. Not those of
 * silent hosts: a silent host is a finding of its own.
 */
function stuckInstances({ unsettled, answers, nowMs }: DoctorInput): Finding[] {
  const answered = new Set(answers.flatMap((answer) => ("audit" in answer ? [answer.hostId] : [])));
  return (
    unsettled
      .filter(
        ({ operation, claims }) =>
          operation === undefined && claims.every(({ hostId }) => answered.has(hostId)),
      )
      // A guest of a lost host for which there is no room is tried again all the time; its failure says so.
      .filter(({ instance }) => instance.hostId !== null || instance.failure?.reason !== "noValidHost")
      .filter(({ instance }) => nowMs > instance.updatedAtMs + doctorLimits.doctorPatienceMs)
      .map(({ instance }) => ({
        kind: "stuck",
        subject: `instance ${instance.id}`,
        message: `It shall be ${instance.desired} and is ${instance.state}, and nothing is under way.`,
        next: `Ask what it waits for: novact instance explain ${instance.id}.`,
      }))
  );
}

/** I2: two processes of one instance, on whichever hosts. */
function twice(audits: readonly Audit[], known: Known): Finding[] {
  const places = new Map<string, string[]>();
  for (const audit of audits)
    for (const { instanceId, kind, what } of keptOn(audit)) {
      if (kind !== "process") continue;
      const at = places.get(instanceId) ?? [];
      at.push(`${what.replace(/^process /, "")} on ${hostCalled(known, audit.hostId)}`);
      places.set(instanceId, at);
    }
  const findings = [...places]
    .filter(([, at]) => at.length > 1)
    .map(([instanceId, at]) => ({
      kind: "leak" as const,
      subject: `instance ${instanceId}`,
      message: `It has ${at.length} processes: ${at.slice(0, doctorLimits.processesNamedMax).join(", ")}.`,
      next: "Stop the instance now; two guests on one disk destroy it. Then report it.",
    }));
  return atMost(doctorLimits.hostFindingsMax, findings, "instances");
}

function counts(input: DoctorInput, audits: readonly Audit[]): Record<string, number> {
  const sum = (count: (audit: Audit) => number) => audits.reduce((total, audit) => total + count(audit), 0);
  return {
    hosts: input.hosts.length,
    hostsAsked: audits.length,
    instances: input.instances.length,
    unsettled: input.unsettled.length,
    operations: input.operations.length,
    claims: input.claimTotals
      .filter(({ hostId }) => !input.movingHosts.has(hostId))
      .reduce((total, { instances }) => total + instances, 0),
    projects: input.quotaTotals.length,
    machines: sum(({ machines }) => machines.length),
    processes: sum((audit) => keptOn(audit).filter(({ kind }) => kind === "process").length),
    sharedDisks: sharedDisks(input),
    imageFiles: "error" in input.imageFiles ? 0 : input.imageFiles.files.length,
    directories: sum(({ directories }) => directories.length),
    files: sum(({ directories }) => directories.reduce((total, { files }) => total + files.length, 0)),
  };
}

const sharedDisks = ({ storages = [] }: DoctorInput): number =>
  storages.reduce((total, storage) => total + ("error" in storage ? 0 : storage.disks.length), 0);

/** The findings of both examinations: the others came from changes while they looked. */
export function inBoth(first: readonly Finding[], second: readonly Finding[]): readonly Finding[] {
  const keyOf = ({ kind, subject, message }: Finding) => JSON.stringify([kind, subject, message]);
  const found = new Set(first.map(keyOf));
  return second.filter((finding) => found.has(keyOf(finding)));
}
