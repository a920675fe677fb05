/**
 * Carries out creates with the scheduler and the store: choose hosts, claim them in one commit, and choose
 * again when another claim was faster, or the group's rule does not allow the choice (any more). The commit
 * decides, also about groups, quotas, flavor and image. The scheduler only proposes, and the cache of flavors
 * and images only guesses: a create that was refused after such a guess is tried once more with the present
 * flavor and image of these names.
 */

import type { QuotaResource } from "../../../protocol/quota.ts";
import { fullSentence, type Space } from "../../../protocol/space.ts";
import type { RecoveryPolicy } from "../../../protocol/states.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Ids } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { Commit, CommitResult, RequestRecord } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import { requestIdReused } from "../../runtime/resident.ts";
import type { SpaceWatch } from "../../runtime/space-watch.ts";
import { type PlacementStore, placementRequest, type Wish } from "../placement/placement.ts";
import type { ChosenHost, Placer } from "../placement/placer.ts";
import { requestLimits } from "../request/limits.ts";
import { fits } from "../request/page.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import {
  CatalogCache,
  type CatalogEntries,
  type CatalogStore,
  sameEntries,
  unknown,
} from "./catalog-cache.ts";
import {
  type CreateAnswer,
  type Created,
  create,
  effectiveSize,
  flavorFits,
  longNameDenied,
} from "./create.ts";
import { createLimits } from "./limits.ts";
import {
  groupNotFound,
  type Where,
  type WhereQuestion,
  type WishStore,
  whereOf,
} from "./placement-request-check.ts";

export interface CreatorOptions {
  readonly store: Pick<Store, "getRequest"> & CatalogStore & WishStore & PlacementStore;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly placer: Placer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The controller's own file systems, and the database's. */
  readonly space: Pick<SpaceWatch, "full">;
  /** Called with each new instance: its actor takes it from here. */
  readonly born: (loaded: LoadedInstance) => void;
}

export interface CreateQuestion extends WhereQuestion {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly recovery?: { readonly policy: RecoveryPolicy; readonly priority?: number };
}

export class Creator {
  readonly #options: CreatorOptions;
  readonly #catalog: CatalogCache;

  constructor(options: CreatorOptions) {
    this.#options = options;
    this.#catalog = new CatalogCache(options.store, options.clock);
  }

  /**
   * @throws unknownFlavor, unknownImage, flavorTooSmall, noValidHost, diskFull, quotaExceeded,
   * groupRuleBroken, requestIdReused, the errors of wishes (wishes.ts), and the store's errors
   */
  async create(question: CreateQuestion, request: RequestFacts, deadlineMs: number): Promise<CreateAnswer> {
    try {
      return await this.#createNow(question, request, deadlineMs);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // Not possible now; but perhaps the same request was accepted before.
      const known = await this.#options.store.getRequest(request.project, request.requestId);
      if (known === undefined) throw thrown;
      return sameAnswer(known, request);
    }
  }

  /** Explains what each host says to such a request now; makes and promises nothing. @throws as create */
  async explain(question: CreateQuestion, project: string, deadlineMs: number) {
    const { placer, store, clock } = this.#options;
    // No commit checks an explanation, so it must not rest on remembered flavors and images.
    const entries = await this.#catalog.find(question, clock.monotonicMs());
    const { wish } = await this.#planOf(question, { project, requestId: "", contentHash: "" }, entries);
    return placer.explainRequest(await placementRequest(wish, store), deadlineMs);
  }

  async #createNow(
    question: CreateQuestion,
    request: RequestFacts,
    deadlineMs: number,
  ): Promise<CreateAnswer> {
    refuseWhenFull(this.#options.space.full);
    const beganAtMs = this.#options.clock.monotonicMs();
    const known = await this.#catalog.find(question, beganAtMs - createLimits.catalogCacheMs);
    try {
      return await this.#createBy(await this.#planOf(question, request, known), deadlineMs);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // Once is enough: a refusal by a read that began after the request is true of a moment since then.
      const now = await this.#catalog.find(question, beganAtMs);
      if (sameEntries(known, now)) throw thrown;
      return this.#createBy(await this.#planOf(question, request, now), deadlineMs);
    }
  }

  async #planOf(question: CreateQuestion, request: RequestFacts, entries: CatalogEntries): Promise<Plan> {
    const { flavor, image } = entries;
    const unfit = longNameDenied(question.name, question.count) ?? flavorFits(flavor, image);
    if (unfit !== undefined) throw StatusError.of(unfit);
    const where = asksWhere(question)
      ? await whereOf(question, request.project, this.#options.store)
      : nowhereElse;
    const { createdAtMs: _, version: _version, ...size } = effectiveSize(flavor, image);
    const { project } = request;
    const wish: Wish = { ...where, project, flavor: size, imageProperties: image.properties, excluded: [] };
    const count = question.count ?? 1;
    return { question, request, entries, where, wish, count, atLeast: question.atLeast ?? count };
  }

  async #createBy(first: Plan, deadlineMs: number): Promise<CreateAnswer> {
    let plan = first;
    let refused = "";
    for (let attempt = 1; attempt <= createLimits.placementAttemptsMax; attempt += 1) {
      const outcome = await this.#attempt(plan, deadlineMs);
      if (outcome.kind === "created") return outcome.answer;
      plan = outcome.plan;
      refused = outcome.because;
    }
    const reason = refused === "groupRule" ? "groupRuleBroken" : "noValidHost";
    const what = refused === "groupRule" ? "against the rule of its group" : "full";
    throw new StatusError(reason, `Every host that was chosen was ${what} by the time of its claim.`, {
      retryAfterMs: requestLimits.lookAgainMs,
    });
  }

  async #attempt(plan: Plan, deadlineMs: number): Promise<Outcome> {
    const { placer, commit, born, store } = this.#options;
    const { request, atLeast } = plan;
    const wanted = await placementRequest(plan.wish, store);
    const hosts = await placer.placeMany(wanted, { count: plan.count, atLeast, deadlineMs });
    if (hosts.kind === "denied") throw StatusError.of(hosts.denial);
    const created = this.#created(plan, hosts.hosts);
    const { commit: changes, instances } = created;
    const result = await commit(changes);
    switch (result.kind) {
      case "committed":
        placer.claimed(hosts.hosts, wanted);
        for (const loaded of instances) born(loaded);
        return { kind: "created", answer: changes.request?.answer as CreateAnswer };
      case "duplicate":
        return { kind: "created", answer: sameAnswer(result.request, request) };
      case "hostFull":
        placer.full(result.hostId);
        return { kind: "again", plan, because: "hostFull" };
      case "groupRule":
        return { kind: "again", plan: without(plan, result.hostId, wanted), because: "groupRule" };
      case "quotaExceeded":
        return { kind: "again", plan: within(plan, result, instances.length), because: "quotaExceeded" };
      case "missing":
        throw notThere(result, plan.question);
      default:
        throw new StatusError("internal", "The instance could not be written.", { detail: result.kind });
    }
  }

  #created(plan: Plan, hosts: readonly ChosenHost[]): Created {
    const { clock, ids } = this.#options;
    const { question, entries, request, where } = plan;
    const created = create({
      name: question.name,
      metadata: question.metadata ?? {},
      recovery: { policy: "restart", priority: 0, ...question.recovery },
      many: question.count !== undefined,
      ...entries,
      where,
      request,
      births: hosts.map((host) => ({ ...host, instanceId: ids.next(), operationId: ids.next() })),
      nowMs: clock.nowMs(),
    });
    // The rows are larger than the answer about them, and the commit is as large as the rows.
    if (question.count === undefined || fits(created.commit.instances)) return created;
    const message = `So much metadata in ${question.count} instances at once is too large: create fewer.`;
    throw new StatusError("answerTooLarge", message);
  }
}

interface Plan {
  readonly question: CreateQuestion;
  readonly request: RequestFacts;
  readonly entries: CatalogEntries;
  readonly where: Where;
  readonly wish: Wish;
  readonly count: number;
  readonly atLeast: number;
}

type Outcome =
  | { readonly kind: "created"; readonly answer: CreateAnswer }
  /** Choose hosts again, by this plan. */
  | { readonly kind: "again"; readonly plan: Plan; readonly because: CommitResult["kind"] };

const nowhereElse: Where = { availabilityZone: null, serverGroupId: null, hints: null };

const asksWhere = ({ atLeast, availabilityZone, serverGroup, hints, host }: CreateQuestion): boolean =>
  [atLeast, availabilityZone, serverGroup, hints, host].some((wish) => wish !== undefined);

/** True for a refusal: no failure of novact, and not possibly committed all the same. */
const isRefusal = (thrown: unknown): thrown is StatusError =>
  thrown instanceof StatusError &&
  thrown.code !== "UNAVAILABLE" &&
  thrown.code !== "INTERNAL" &&
  thrown.code !== "DEADLINE_EXCEEDED";

/**
 * New instances are refused before the database's last byte is gone: renewals, reports, stops and deletes
 * still have to be written. @throws diskFull
 */
function refuseWhenFull(full: Space | undefined): void {
  if (full !== undefined)
    throw new StatusError("diskFull", `No new instance is made now: ${fullSentence(full)}.`);
}

/** The error for the row that the commit found missing, though this create had read it. */
function notThere(
  { noun }: Extract<CommitResult, { kind: "missing" }>,
  question: CreateQuestion,
): StatusError {
  if (noun === "flavor" || noun === "image") return unknown(noun, question);
  return groupNotFound(question.serverGroup ?? "");
}

/**
 * The plan after a host broke the group's rule. With anti-affinity that host has a member now and is
 * excluded; with affinity the next look shows where the members are.
 */
function without(plan: Plan, hostId: string, { group }: PlacementRequest): Plan {
  if (group?.policy !== "anti-affinity") return plan;
  const reason = "A member of the group came to it first.";
  return { ...plan, wish: { ...plan.wish, excluded: [...plan.wish.excluded, { hostId, reason }] } };
}

type Exceeded = Extract<CommitResult, { kind: "quotaExceeded" }>;

/** A create uses no other resource. */
const named: Readonly<Partial<Record<QuotaResource, string>>> = {
  instances: "instances",
  vcpus: "vCPUs",
  memoryMib: "MiB of memory",
};

/**
 * The plan with as many instances as the quota has room for, if that is at least `atLeast`. @throws
 * quotaExceeded
 */
function within(plan: Plan, { kind: _, ...exceeded }: Exceeded, made: number): Plan {
  const { resource, limit, used, asked } = exceeded;
  const room = Math.floor(Math.max(0, limit - used) / (asked / made));
  if (room >= plan.atLeast && room < made) return { ...plan, count: room };
  const may = `The project ${plan.request.project} may have ${limit} ${named[resource]}`;
  const message = `${may}; it has ${used}, and ${asked} more were asked for.`;
  throw new StatusError("quotaExceeded", message, { details: exceeded });
}

function sameAnswer(known: RequestRecord, request: RequestFacts): CreateAnswer {
  if (known.contentHash !== request.contentHash) throw requestIdReused(request.requestId);
  return known.answer as CreateAnswer;
}
