/**
 * Fencing by hand: on an operator's signed word that a host is off, or on the word of its power controller.
 * Either replaces waiting for the end of the host lease and of the guard's time (I9). The word comes before
 * the commit, which alone makes the fence; a host that lives all the same hears of the fence with its next
 * renewal, and cleans up.
 *
 * A fence by power is an operation under way until the power controller has answered; a controller that dies
 * meanwhile leaves it to another one, and a host that is off is switched off once more without harm. Pure.
 */
import { type FenceProof, isOfSilence } from "../../../protocol/fence.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Commit, NewEvent } from "../../records/commit.ts";
import type { HostLease, HostRecord, LoadedHost } from "../../records/host.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { fenceSentence, ofPower } from "../directory/fence-proof.ts";
import { operationView } from "../request/operation-view.ts";
import { changed, ended, operationOf, unchanged, underWay, withStep } from "./change.ts";
import { denied, requestOf, shown } from "./command.ts";
import { hostLimits } from "./limits.ts";
import type {
  CommandEvent,
  FenceWords,
  HostAnswer,
  HostDecision,
  HostEffect,
  PoweredEvent,
} from "./messages.ts";

interface Asked {
  readonly words: FenceWords;
  readonly powered: boolean;
}

export function decideFence(loaded: LoadedHost, asked: Asked, event: CommandEvent): HostDecision {
  const { host } = loaded;
  const { words } = asked;
  const refusal = meantDenied(host, words);
  if (refusal !== undefined) return denied(loaded, refusal);
  const { fencedBy, leaseEpoch } = leaseOf(host);
  if (fencedBy !== null && !isOfSilence(fencedBy))
    return fencedAlready(loaded, { leaseEpoch, fencedBy }, event);
  if (words.power === true) return byPower(loaded, asked, event);
  return wordDenied(loaded, words, event) ?? byWord(loaded, words, event);
}

function meantDenied({ id, name }: HostRecord, { confirm, reason, power }: FenceWords): Denial | undefined {
  if (confirm !== name)
    return { reason: "confirmMismatch", message: `The host ${id} is called ${name}, not ${confirm}.` };
  if (power === true || reason !== undefined) return undefined;
  const message = "Say why it is sure that the host is off (reason), or ask for power.";
  return { reason: "schemaMismatch", message };
}

/** The host lease of a host; its registration granted the first one. */
function leaseOf({ id, lease }: HostRecord): HostLease {
  if (lease !== null) return lease;
  throw new Error(`The host ${id} is registered and has no lease.`);
}

/**
 * The host is fenced already by a word or the power: another proof would add nothing. The request is
 * remembered all the same, in case the host comes back.
 */
function fencedAlready(
  loaded: LoadedHost,
  { leaseEpoch, fencedBy }: { readonly leaseEpoch: number; readonly fencedBy: FenceProof },
  event: CommandEvent,
): HostDecision {
  const operation = fencedBefore(newOperation(loaded.host, event), fencedBy, event.nowMs);
  const answer: HostAnswer = {
    host: shown(loaded, event, { lease: loaded.host.lease }),
    operation: operationView(operation),
  };
  return changed(loaded, {
    operations: [operation],
    also: {
      fencesExpected: [{ hostId: loaded.host.id, leaseEpoch }],
      request: requestOf(event, answer),
    },
  });
}

/**
 * Why the operator's word is not taken; undefined: it is. A renewal after the word, or a moment before it,
 * proves the word wrong, unless the operator forces the fence.
 */
function wordDenied(
  loaded: LoadedHost,
  { force }: FenceWords,
  { found, seen }: CommandEvent,
): HostDecision | undefined {
  const { name } = found;
  if (force === true) return undefined;
  if (seen.alive) {
    const lately = `within the last ${leaseLimits.hostSilentMs / 1_000} s`;
    const message = `The host ${name} was heard ${lately}: it does not seem to be off.`;
    return denied(loaded, { reason: "hostAlive", message });
  }
  if (found.lease?.renewals === loaded.host.lease?.renewals) return undefined;
  const message = `The host ${name} has renewed its lease just now: it does not seem to be off.`;
  return denied(loaded, { reason: "hostAlive", message });
}

function byWord(loaded: LoadedHost, words: FenceWords, event: CommandEvent): HostDecision {
  const { confirm: confirmedName, reason = "", claimedBy } = words;
  const claim = claimedBy === undefined ? {} : { claimedBy };
  // Only this is proved: the bus let the caller speak with this token
  // (spec/decisions/0013-who-an-operator-is.md).
  const by = event.request.project;
  const proof = { kind: "operator", by, ...claim, reason, confirmedName, atMs: event.nowMs } as const;
  const renewals = words.force === true ? null : leaseOf(loaded.host).renewals;
  const begun = newOperation(loaded.host, event);
  const { requestId } = event.request;
  const fenced = fencing(loaded, { proof, renewals, operation: begun, nowMs: event.nowMs, requestId });
  const lease = { ...leaseOf(loaded.host), fencedBy: proof };
  const answer: HostAnswer = {
    host: shown(loaded, event, { lease, draining: null }),
    operation: operationView(fenced.operation),
  };
  const { change } = fenced;
  return changed(loaded, { ...change, also: { ...change.also, request: requestOf(event, answer) } });
}

/** A second fence by power while one is under way is answered with the first one's operation. */
function byPower(loaded: LoadedHost, { powered }: Asked, event: CommandEvent): HostDecision {
  const { host } = loaded;
  const { nowMs } = event;
  if (!powered) {
    const message = `${host.name} has no power controller in the configuration.`;
    return denied(loaded, { reason: "powerControlMissing", message });
  }
  const before = underWay(loaded, "fence");
  const operation = before ?? switchingOff(newOperation(host, event), nowMs);
  const answer: HostAnswer = { host: shown(loaded, event, {}), operation: operationView(operation) };
  return changed(loaded, {
    ...(before === undefined ? { operations: [operation] } : {}),
    also: { request: requestOf(event, answer) },
    effects: before === undefined ? [switchOff(host, operation)] : [],
  });
}

function newOperation(host: HostRecord, { operationId: id, nowMs, request }: CommandEvent): OperationRecord {
  const deadlineAtMs = deadlineFrom(nowMs);
  return operationOf(host, { id, kind: "fence", requestId: request.requestId, nowMs, deadlineAtMs });
}

/** Two controllers may have to ask the power controller, one after the other. */
const deadlineFrom = (nowMs: number): number =>
  nowMs + 2 * hostLimits.powerTakeOverMs + lifeLimits.operationGraceMs;

const switchingOff = (operation: OperationRecord, nowMs: number): OperationRecord =>
  withStep(operation, { step: "switchingOff", percent: 10, nowMs });

const switchOff = ({ name }: HostRecord, { id }: OperationRecord): HostEffect => ({
  ...{ kind: "switchOff", hostName: name, operationId: id },
});

/**
 * Takes in what the power controller has said. A host that is off renews nothing; but a renewal sent before
 * may be written a moment later. So the fence rests on the host's lease as read within the time in which no
 * host could have started again, and on no renewal since; else the power is asked again.
 */
export function decidePowered(loaded: LoadedHost, event: PoweredEvent): HostDecision {
  const { host } = loaded;
  const { said, nowMs } = event;
  const operation = loaded.operations.find(({ id }) => id === event.operationId);
  if (operation === undefined) return unchanged(loaded);
  const { fencedBy, renewals } = leaseOf(host);
  if (fencedBy !== null && !isOfSilence(fencedBy))
    return changed(loaded, { operations: [fencedBefore(operation, fencedBy, nowMs)] });
  if ("error" in said)
    return changed(loaded, { operations: [ended(operation, { state: "failed", error: said.error, nowMs })] });
  if (event.sinceMs > hostLimits.powerProofMs || renewals !== event.renewals) {
    if (nowMs <= operation.deadlineAtMs) return unchanged(loaded, [switchOff(host, operation)]);
    const message = `The host ${host.name} is off, but its lease was changed again and again.`;
    const error = errorBodyOf({ reason: "generationConflict", message });
    return changed(loaded, { operations: [ended(operation, { state: "failed", error, nowMs })] });
  }
  const { requestId } = operation;
  const proof = ofPower(said.proof, nowMs);
  return changed(loaded, fencing(loaded, { proof, renewals, operation, nowMs, requestId }).change);
}

/** A fence by power that another controller has left, or whose time is over. */
export function decideFenceLeft(
  loaded: LoadedHost,
  operation: OperationRecord,
  nowMs: number,
): HostDecision | undefined {
  const { host } = loaded;
  const fencedBy = host.lease?.fencedBy;
  if (fencedBy && !isOfSilence(fencedBy))
    return changed(loaded, { operations: [fencedBefore(operation, fencedBy, nowMs)] });
  if (nowMs > operation.deadlineAtMs) {
    const error = errorBodyOf({ reason: "operationTimeout", message: "The fence did not end in time." });
    return changed(loaded, { operations: [ended(operation, { state: "failed", error, nowMs })] });
  }
  const askedAtMs = operation.steps.at(-1)?.atMs ?? operation.startedAtMs;
  // A time far ahead is that of a clock that was wrong: waiting for it could take hours.
  if (Math.abs(nowMs - askedAtMs) < hostLimits.powerTakeOverMs) return undefined;
  const message = "Another controller goes on.";
  const deadlineAtMs = Math.min(operation.deadlineAtMs, deadlineFrom(nowMs));
  const stepped = withStep(operation, { step: "switchingOffAgain", message, percent: 20, nowMs });
  const again = { ...stepped, deadlineAtMs };
  return changed(loaded, { operations: [again], effects: [switchOff(host, again)] });
}

const fencedBefore = (operation: OperationRecord, proof: FenceProof, nowMs: number): OperationRecord =>
  ended(operation, { state: "done", message: `It was fenced already: ${fenceSentence(proof)}.`, nowMs });

interface Fencing {
  readonly proof: FenceProof;
  /** The count of renewals that the fence rests on; null: any count. */
  readonly renewals: number | null;
  readonly operation: OperationRecord;
  readonly nowMs: number;
  readonly requestId: string;
}

/** The fence, the end of its operation, and that of the host's drain. */
function fencing(loaded: LoadedHost, { proof, renewals, operation, nowMs, requestId }: Fencing) {
  const { host } = loaded;
  const { leaseEpoch } = leaseOf(host);
  const { leasesFenced = [], events = [] } = fenceCommit(host, { leaseEpoch, renewals, proof });
  const told = withStep(operation, { step: "fenced", message: fenceSentence(proof), percent: 90, nowMs });
  const fence = ended(told, { state: "done", nowMs });
  const drain = underWay(loaded, "drain");
  const change = {
    ...(host.draining === null ? {} : { own: { draining: null } }),
    operations: [...(drain === undefined ? [] : [fencedMeanwhile(drain, host, nowMs)]), fence],
    events: events.map((event): NewEvent => ({ ...event, requestId, operationId: operation.id })),
    also: { leasesFenced },
    effects: [{ kind: "tellOfHosts" }] as const,
  };
  return { operation: fence, change };
}

/** The end of a drain whose host was fenced. */
export function fencedMeanwhile(
  drain: OperationRecord,
  { name }: HostRecord,
  nowMs: number,
): OperationRecord {
  const message = `${name} was fenced: what was on it starts elsewhere without a drain.`;
  return ended(drain, { state: "failed", error: errorBodyOf({ reason: "hostFenced", message }), nowMs });
}

/**
 * The commit that fences a host. `renewals`: the count that the fence rests on; null: any count, because the
 * proof is better than silence.
 */
export function fenceCommit(
  host: Pick<HostRecord, "id" | "name">,
  { leaseEpoch, renewals, proof }: { leaseEpoch: number; renewals: number | null; proof: FenceProof },
): Commit {
  const event: NewEvent = {
    atMs: proof.atMs,
    project: adminProject,
    noun: "host",
    id: host.id,
    event: "fenced",
    body: { name: host.name, proof },
  };
  return { leasesFenced: [{ hostId: host.id, leaseEpoch, renewals, proof }], events: [event] };
}
