/**
 * Fencing by hand: an operator's signed word that a host is off, or the word of the controller of its power.
 * Either stands for the end of the lease and its guard's time (I9). Both are said before the commit, which
 * alone makes the fence; a host that lives all the same hears of it with its next renewal, and cleans up.
 */
import type { FenceProof } from "../../protocol/fence.ts";
import type { Host, hostService } from "../../protocol/host.ts";
import { limits } from "../../protocol/limits.ts";
import type { CallContext, RequestOf } from "../../protocol/service.ts";
import { StatusError } from "../../protocol/status.ts";
import { answeredBefore, type CatalogOptions, catalogTurn, commitOnce } from "../catalog/turn.ts";
import type { Placer } from "../instances/placer.ts";
import { ofPower } from "../runtime/fence-proof.ts";
import type { PowerFence } from "../runtime/ports.ts";
import type { HostLease, HostRecord } from "../runtime/records.ts";
import type { HostDirectory } from "./directory.ts";
import { fenceTurn } from "./fencer.ts";

export interface FenceOptions extends CatalogOptions {
  readonly directory: HostDirectory;
  readonly placer: Pick<Placer, "hostsChanged">;
  readonly power: PowerFence;
  readonly view: (host: HostRecord) => Host;
  /** @throws hostNotFound */
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
  const known = await answeredBefore<Answer>("host.fence", cause);
  if (known !== undefined) return known;
  const host = await options.find(context.id);
  assertMeant(host, request);
  leaseOf(host);
  // Proved already: another proof would add nothing.
  if (host.lease?.fencedBy) return { host: options.view(host) };
  const proof = request.power === true ? await powerProof(host, context, options) : await word(host, cause);
  const now = await options.find(host.id);
  const lease = leaseOf(now);
  const { request: row, events } = catalogTurn("host.fence", about(host, proof), cause);
  // What was renewed since the proof was begun has made it old, unless it was meant to be forced.
  const renewals = request.force === true ? null : (host.lease?.renewals ?? null);
  const { leasesFenced = [] } = fenceTurn(host, { epoch: lease.epoch, renewals, proof });
  const answer = { host: options.view({ ...now, lease: { ...lease, fencedBy: proof } }) };
  const answered = await commitOnce({ leasesFenced, events, request: row }, answer, options);
  await options.directory.refresh();
  options.placer.hostsChanged();
  return answered;
}

const about = ({ id, name }: HostRecord, proof: FenceProof) => ({
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

function leaseOf({ name, lease }: HostRecord): HostLease {
  if (lease !== null) return lease;
  const message = `The host ${name} never had a lease: its guests run without one.`;
  throw new StatusError("hostWithoutLease", message);
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
    const lately = `within the last ${limits.hostSilentMs / 1_000} s`;
    throw new StatusError("hostAlive", `The host ${name} was heard ${lately}: it does not seem to be off.`);
  }
  const { confirm: confirmedName, reason = "", claimedBy } = request;
  const claim = claimedBy === undefined ? {} : { claimedBy };
  // All that is proved: the bus let it speak with this token (spec/decisions/0013-who-an-operator-is.md).
  const by = context.project;
  return { kind: "operator", by, ...claim, reason, confirmedName, atMs: options.clock.nowMs() };
}

/** @throws powerControlMissing and what else the controller of its power is refused with */
async function powerProof(
  { name }: HostRecord,
  { signal }: CallContext,
  { power, clock }: FenceOptions,
): Promise<FenceProof> {
  return ofPower(await power.off(name, signal), clock.nowMs());
}
