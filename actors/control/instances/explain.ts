/**
 * Explains an instance: why this host, why no host, and what the instance waits for, in sentences made from
 * records. What is so now and what happened before are kept apart: a stored failure says nothing about the
 * hosts of now. Pure.
 */
import type { HostVerdict, Instance } from "../../../protocol/instance.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { bytes } from "../../../protocol/wire/wording.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord, InterfaceRecord } from "../../records/instance.ts";
import { isBusy, moveDenied } from "../instance/move.ts";
import { opensElsewhere } from "../instance/state.ts";
import { localVolume } from "../instance/volumes.ts";

export interface ExplainFacts {
  readonly instance: Instance;
  readonly row: InstanceRow;
  readonly hosts: readonly HostVerdict[];
  readonly operations: readonly Operation[];
  /** Of the instance's newest events. */
  readonly lately: Lately;
  /** When its host is fenced: the proof, as a sentence. */
  readonly fence: string | undefined;
  /** What the drain of its host means for it, as a sentence. */
  readonly stays: string | undefined;
  /** Why it still has its ports though it is deleted, as a sentence. */
  readonly held?: string | undefined;
}

export interface Lately {
  /** What a guard did to it last, as the rest of a sentence. */
  readonly guarded?: { readonly atMs: number; readonly because: string };
  /** When it failed last. */
  readonly failedAtMs?: number;
}

/** `atMs`: wall clock; null: not known any more. */
export interface Earlier {
  readonly atMs: number | null;
  readonly message: string;
}

export interface Explanation {
  readonly instance: Instance;
  readonly waitingFor: string[];
  readonly earlier: Earlier[];
  readonly hosts: HostVerdict[];
  readonly operations: Operation[];
}

export function explanation(facts: ExplainFacts): Explanation {
  const { instance, hosts, operations } = facts;
  const [now, then] = [waitingFor(facts), earlier(facts)];
  return { instance, waitingFor: now, earlier: then, hosts: [...hosts], operations: [...operations] };
}

/** What happened before, in the order of time; what has no time any more comes first. */
function earlier({ row: { instance }, hosts, lately }: ExplainFacts): Earlier[] {
  const { failure, excludedHosts } = instance;
  const { guarded, failedAtMs } = lately;
  const nameOf = (hostId: string) => hosts.find((host) => host.hostId === hostId)?.hostName ?? hostId;
  const tried = excludedHosts.map(({ hostId, reason }) => ({
    ...{ atMs: null, message: `Host ${nameOf(hostId)} was tried and failed: ${reason}` },
  }));
  const failed = failure === null ? [] : [{ atMs: failedAtMs ?? null, message: failedSentence(failure) }];
  const stopped =
    guarded === undefined ? [] : [{ atMs: guarded.atMs, message: `It was ${guarded.because}.` }];
  return [...tried, ...failed, ...stopped].sort((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));
}

const failedSentence = ({ reason, message }: { readonly reason: string; readonly message: string }): string =>
  `It failed (${reason}): ${message}`;

/** The wait for a host, by what the scheduler says now. */
function forAHost(hosts: readonly HostVerdict[]): string {
  const [first, ...more] = hosts.filter(({ fits }) => fits).map(({ hostName }) => hostName);
  if (first === undefined) return "A host that fits: none does now.";
  const those = more.length === 0 ? `${first} does` : `${first} and ${more.length} more do`;
  return `A host that fits: ${those} now, and it is asked for again.`;
}

/**
 * What the drain of its host means for an instance: why it stays, or when it leaves. After a drain that left
 * the instance behind, why the next one would do so too. `obstacle`: why it found no other host, at the last
 * attempt.
 */
export function drainedSentence(
  instance: InstanceRecord,
  { id, name, enabled, draining }: Pick<HostRecord, "id" | "name" | "enabled" | "draining">,
  obstacle: string | undefined,
): string | undefined {
  if (instance.hostId !== id || instance.desired === "deleted" || enabled) return undefined;
  const denied = moveDenied(instance);
  if (draining === null)
    return denied && `Its host ${name} is disabled; a drain of that host leaves it there: ${denied}`;
  const why = denied ?? obstacle;
  if (why !== undefined) return `Its host ${name} is drained, and it stays there: ${why}`;
  const when = isBusy(instance) ? "what is under way with it has ended" : "its turn comes";
  return `Its host ${name} is drained; it leaves when ${when}.`;
}

/** The fence proof by which the instance left its last host, while it is on the way to another. */
function fenceLeft({ row, operations }: ExplainFacts): string | undefined {
  if (row.instance.hostId !== null) return undefined;
  const last = operations.findLast(({ kind }) => kind === "recover" || kind === "evacuate");
  return last?.steps.find(({ step }) => step === "hostFenced")?.message;
}

/** What the instance waits for since its host was fenced: room elsewhere, its host, or an operator. */
function afterFence({ instance }: InstanceRow): string {
  const { id, recovery, storageId, image, flavor } = instance;
  const local = localVolume(instance);
  if (!opensElsewhere({ storageId, image, flavor }))
    return "its disk is only there, so it waits for that host's return";
  if (local !== undefined)
    return `its volume ${local.volumeId} is only there, so it waits for that host's return`;
  switch (recovery.policy) {
    case "restart":
      return "it waits for room on another one";
    case "wait":
      return `it waits for that host's return, or for an operator: novact instance evacuate ${id}`;
    case "leave":
      return `it stays down until it is started there again, or an operator moves it: novact instance evacuate ${id}`;
  }
}

function ofInterface({ portId, change }: InterfaceRecord, host: string): readonly string[] {
  if (change === undefined) return [];
  const what = change.kind === "leaving" ? "let go of" : "plug in";
  return [`Host ${host} to ${what} its interface in port ${portId}.`];
}

const volumeWords = { attaching: "open", leaving: "let go of", extending: "extend" } as const;

/** What its host is waited for, of interfaces and volumes that come, go or grow. */
const changesOf = ({ interfaces, volumes }: InstanceRecord, host: string): readonly string[] => [
  ...(interfaces ?? []).flatMap((one) => ofInterface(one, host)),
  ...(volumes ?? []).flatMap(({ volumeId, change }) =>
    change === undefined ? [] : `Host ${host} to ${volumeWords[change.kind]} its volume ${volumeId}.`,
  ),
];

function waitingFor(facts: ExplainFacts): string[] {
  const { instance, row, fence, held } = facts;
  if (held !== undefined) return [held];
  const { instance: record, machine } = row;
  const host = instance.hostName ?? record.hostId ?? "no host";
  const sentences: string[] = [];
  const left = fenceLeft(facts);
  if (left !== undefined && record.desired !== "stopped" && record.desired !== "deleted")
    sentences.push(`Its host was fenced: ${left}; it waits for room on another one.`);
  if (fence !== undefined && record.hostId !== null)
    sentences.push(`Its host was fenced: ${fence}; ${afterFence(row)}.`);
  else if (record.failure !== null && record.built && record.hostId === null && record.desired !== "deleted")
    sentences.push(forAHost(facts.hosts));
  else if (record.failure !== null) sentences.push(`Nothing: it failed (${record.failure.reason}).`);
  else if (record.settled) sentences.push("Nothing: it is what was asked for.");
  else if (record.hostId === null && record.desired !== "deleted") sentences.push(forAHost(facts.hosts));
  else if (instance.state === "unknown") sentences.push(`A sign of life of host ${host}.`);
  else if (machine === undefined) sentences.push(`The first report of host ${host}.`);
  else if (machine.intentGeneration < record.generation) {
    sentences.push(
      `Host ${host} to take up generation ${record.generation}; it is at ${machine.intentGeneration}.`,
    );
  } else if (changesOf(record, host).length > 0 && machine.state === record.desired)
    sentences.push(...changesOf(record, host));
  else sentences.push(`The machine on host ${host} to become ${record.desired}; it is ${machine.state}.`);
  if (machine?.state === "preparing" && record.failure === null)
    sentences.push(...ofImage(record.image, host));
  if (facts.stays !== undefined) sentences.push(facts.stays);
  return sentences;
}

/** Files are made of an image that the host may have to get from a controller first. */
function ofImage(image: InstanceRecord["image"], host: string): readonly string[] {
  const files = [image.disk, image.kernel, image.ramdisk].flatMap((file) => file ?? []);
  if (files.length === 0) return [];
  const size = bytes(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  return [
    `Host ${host} to make files of the image ${image.name}; if it has not got its ${size}, these come first.`,
  ];
}
