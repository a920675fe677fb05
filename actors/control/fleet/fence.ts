/**
 * Fencing by hand: on an operator's signed word that a host is off, or on the word of its power controller.
 * Either replaces waiting for the end of the host lease and of the guard's time (I9). The word comes before
 * the commit, which alone makes the fence; a host that lives all the same hears of the fence with its next
 * renewal, and cleans up.
 */
import type { FenceProof } from "../../../protocol/fence.ts";
import type { Host, hostService } from "../../../protocol/host.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import type { CallContext, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { PowerFence } from "../../ports/power.ts";
import type { HostLease, HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { ofPower } from "../directory/fence-proof.ts";
import type { Placer } from "../placement/placer.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fenceCommit } from "./fencer.ts";
import { fleetLimits } from "./limits.ts";

export interface FenceOptions extends CatalogOptions {
  readonly directory: Pick<HostDirectory, "refresh" | "alive" | "get">;
  readonly placer: Pick<Placer, "hostsChanged">;
  readonly power: PowerFence;
  readonly view: (host: HostRecord) => Host;
  /** @throws hostNotFound, hostAmbiguous */
  readonly find: (key: string) => Promise<HostRecord>;
}

type Request = RequestOf<(typeof hostService)["methods"]["fence"]>;
interface Answer {
  readonly host: Host;
}

export async function fenceHost(
  request: Request,
  context: CallContext,
  options: FenceOptions,
): Promise<Answer> {
  const cause = { request, context, options };
  return unlessAnswered("host.fence", cause, async () => {
    const host = await options.find(context.id);
    assertMeant(host, request);
    const attempt = () => (request.power === true ? byPower(host, cause) : byWord(host, cause));
    const answered = leaseOf(host).fencedBy === null ? await attempt() : await fencedAlready(host, cause);
    await options.directory.refresh();
    options.placer.hostsChanged();
    return answered;
  });
}

/**
 * The host is fenced already: another proof would add nothing. The request is remembered all the same, in
 * case the host comes back.
 */
async function fencedAlready(host: HostRecord, cause: Cause): Promise<Answer> {
  const { options } = cause;
  const { leaseEpoch, fencedBy } = leaseOf(host);
  const { request } = catalogCommit("host.fence", about(host, fencedBy), cause);
  const commit = { fencesExpected: [{ hostId: host.id, leaseEpoch }], request };
  return commitOnce(commit, { host: options.view(host) }, options);
}

async function byWord(host: HostRecord, cause: Cause): Promise<Answer> {
  const proof = await word(host, cause);
  const now = await cause.options.find(host.id);
  // A renewal after the operator's word proves the word wrong, unless the operator forces the fence.
  const renewals = cause.request.force === true ? null : leaseOf(host).renewals;
  return commitFence(now, { proof, renewals }, cause);
}

/**
 * Fences a host by its power controller. A host that is off renews nothing; but a renewal sent before may be
 * written a moment later, and then its power is asked again. So the host lease is read right after the proof,
 * before the host could have started again.
 */
async function byPower({ id, name }: HostRecord, cause: Cause): Promise<Answer> {
  const { find, power, clock } = cause.options;
  for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
    const said = await power.off(name, cause.context.signal);
    const provedAtMs = clock.monotonicMs();
    const proof = ofPower(said, clock.nowMs());
    const now = await find(id);
    if (leaseOf(now).fencedBy !== null) return fencedAlready(now, cause);
    if (clock.monotonicMs() - provedAtMs > fleetLimits.powerProofMs) continue;
    try {
      return await commitFence(now, { proof, renewals: leaseOf(now).renewals }, cause);
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || thrown.reason !== "generationConflict") throw thrown;
    }
  }
  const message = `The host ${name} is off, but its lease was changed again and again.`;
  throw new StatusError("generationConflict", message);
}

interface Proved {
  readonly proof: FenceProof;
  /** The count of renewals that the fence rests on; null: any count. */
  readonly renewals: number | null;
}

async function commitFence(host: HostRecord, { proof, renewals }: Proved, cause: Cause): Promise<Answer> {
  const { options } = cause;
  const lease = leaseOf(host);
  const { request, events } = catalogCommit("host.fence", about(host, proof), cause);
  const { leasesFenced = [] } = fenceCommit(host, { leaseEpoch: lease.leaseEpoch, renewals, proof });
  const answer = { host: options.view({ ...host, lease: { ...lease, fencedBy: proof } }) };
  return commitOnce({ leasesFenced, events, request }, answer, options);
}

const about = ({ id, name }: HostRecord, proof: FenceProof | null) => ({
  noun: "host",
  id,
  event: "fenced",
  body: { name, proof },
});

function assertMeant({ id, name }: HostRecord, { confirm, reason, power }: Request): void {
  if (confirm !== name)
    throw new StatusError("confirmMismatch", `The host ${id} is called ${name}, not ${confirm}.`);
  if (power !== true && reason === undefined)
    throw new StatusError(
      "schemaMismatch",
      "Say why it is sure that the host is off (reason), or ask for power.",
    );
}

/** The host lease of a host; its registration granted the first one. */
function leaseOf({ id, lease }: HostRecord): HostLease {
  if (lease !== null) return lease;
  throw new Error(`The host ${id} is registered and has no lease.`);
}

interface Cause {
  readonly request: Request;
  readonly context: CallContext;
  readonly options: FenceOptions;
}

/** @throws hostAlive */
async function word({ id, name }: HostRecord, { request, context, options }: Cause): Promise<FenceProof> {
  await options.directory.refresh();
  if (request.force !== true && options.directory.alive(id)) {
    const lately = `within the last ${leaseLimits.hostSilentMs / 1_000} s`;
    throw new StatusError("hostAlive", `The host ${name} was heard ${lately}: it does not seem to be off.`);
  }
  const { confirm: confirmedName, reason = "", claimedBy } = request;
  const claim = claimedBy === undefined ? {} : { claimedBy };
  // Only this is proved: the bus let the caller speak with this token
  // (spec/decisions/0013-who-an-operator-is.md).
  const by = context.project;
  return { kind: "operator", by, ...claim, reason, confirmedName, atMs: options.clock.nowMs() };
}
