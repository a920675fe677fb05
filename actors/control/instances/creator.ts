/**
 * Create, as a conversation with the scheduler and the store: choose hosts, claim them in one turn, and
 * choose again when another's claim was faster, or a group's rule does not allow the choice (any more). The
 * claim in the turn decides, also about groups and quotas; the scheduler only proposes.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { QuotaResource } from "../../../protocol/quota.ts";
import type { RecoveryPolicy } from "../../../protocol/states.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Ids } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { FlavorRecord, ImageRecord } from "../../records/catalog.ts";
import type { CommitResult, RequestRecord, Turn } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { RequestFacts } from "../instance/messages.ts";
import { type PlacementStore, placementRequest, type Wish } from "../placement/placement.ts";
import type { ChosenHost, Placer } from "../placement/placer.ts";
import { fits } from "../request/page.ts";
import { requestIdReused } from "../request/request-id.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import { CatalogCache } from "./catalog-cache.ts";
import {
  type CreateAnswer,
  type Created,
  create,
  effectiveSize,
  flavorFits,
  longNameDenied,
} from "./create.ts";
import { groupNotFound, type Where, type WhereQuestion, type WishStore, whereOf } from "./wishes.ts";

export interface CreatorOptions {
  readonly store: Pick<Store, "getFlavor" | "getImage" | "getRequest"> & WishStore & PlacementStore;
  readonly commit: (turn: Turn) => Promise<CommitResult>;
  readonly placer: Placer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Every instance that was made; its actor takes it from here. */
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
  readonly #flavors: CatalogCache<FlavorRecord>;
  readonly #images: CatalogCache<ImageRecord>;

  constructor(options: CreatorOptions) {
    const { store, clock } = options;
    this.#options = options;
    this.#flavors = new CatalogCache(clock, (key) => store.getFlavor(key));
    this.#images = new CatalogCache(clock, (key) => store.getImage(key));
  }

  /**
   * @throws unknownFlavor, unknownImage, flavorTooSmall, noValidHost, quotaExceeded, groupRuleBroken,
   * requestIdReused, what a wish is refused with (wishes.ts), and what the store throws
   */
  async create(question: CreateQuestion, request: RequestFacts, deadlineMs: number): Promise<CreateAnswer> {
    try {
      const plan = await this.#planOf(question, request);
      return await this.#createBy(plan, deadlineMs);
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || isStores(thrown)) throw thrown;
      // Not possible now; but perhaps this very request was accepted before, when it was.
      const known = await this.#options.store.getRequest(request.project, request.requestId);
      if (known === undefined) throw thrown;
      return sameAnswer(known, request);
    }
  }

  /** What each host says to it now; nothing is made, and nothing is promised. @throws as create */
  async explain(question: CreateQuestion, project: string, deadlineMs: number) {
    const { placer, store } = this.#options;
    const { wish } = await this.#planOf(question, { project, requestId: "", contentHash: "" });
    return placer.explainRequest(await placementRequest(wish, store), deadlineMs);
  }

  async #planOf(question: CreateQuestion, request: RequestFacts): Promise<Plan> {
    const [flavor, image] = await Promise.all([
      this.#flavors.get(question.flavor),
      this.#images.get(question.image),
    ]);
    if (flavor === undefined)
      throw new StatusError("unknownFlavor", `There is no flavor ${question.flavor}.`);
    if (image === undefined) throw new StatusError("unknownImage", `There is no image ${question.image}.`);
    const unfit = longNameDenied(question.name, question.count) ?? flavorFits(flavor, image);
    if (unfit !== undefined) throw StatusError.of(unfit);
    const where = asksWhere(question)
      ? await whereOf(question, request.project, this.#options.store)
      : nowhereElse;
    const { createdAtMs: _, ...size } = effectiveSize(flavor, image);
    const { project } = request;
    const wish: Wish = { ...where, project, flavor: size, imageProperties: image.properties, excluded: [] };
    const count = question.count ?? 1;
    return { question, request, flavor, image, where, wish, count, atLeast: question.atLeast ?? count };
  }

  async #createBy(first: Plan, deadlineMs: number): Promise<CreateAnswer> {
    let plan = first;
    let refused = "";
    for (let attempt = 1; attempt <= limits.placementAttemptsMax; attempt += 1) {
      const outcome = await this.#attempt(plan, deadlineMs);
      if (outcome.kind === "created") return outcome.answer;
      plan = outcome.plan;
      refused = outcome.because;
    }
    const reason = refused === "groupRule" ? "groupRuleBroken" : "noValidHost";
    const what = refused === "groupRule" ? "against the rule of its group" : "full";
    throw new StatusError(reason, `Every host that was chosen was ${what} by the time of its claim.`, {
      retryAfterMs: limits.lookAgainMs,
    });
  }

  async #attempt(plan: Plan, deadlineMs: number): Promise<Outcome> {
    const { placer, commit, born, store } = this.#options;
    const { request, atLeast } = plan;
    const wanted = await placementRequest(plan.wish, store);
    const hosts = await placer.placeMany(wanted, { count: plan.count, atLeast, deadlineMs });
    if (hosts.kind === "denied") throw StatusError.of(hosts.denial);
    const created = this.#created(plan, hosts.hosts);
    const { turn, instances } = created;
    const result = await commit(turn);
    switch (result.kind) {
      case "committed":
        placer.claimed(hosts.hosts, wanted);
        for (const loaded of instances) born(loaded);
        return { kind: "created", answer: turn.request?.answer as CreateAnswer };
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
        throw groupNotFound(plan.question.serverGroup ?? "");
      default:
        throw new StatusError("internal", "The instance could not be written.", { detail: result.kind });
    }
  }

  #created(plan: Plan, hosts: readonly ChosenHost[]): Created {
    const { clock, ids } = this.#options;
    const { question, flavor, image, request, where } = plan;
    const created = create({
      name: question.name,
      metadata: question.metadata ?? {},
      recovery: { policy: "restart", priority: 0, ...question.recovery },
      many: question.count !== undefined,
      flavor,
      image,
      where,
      request,
      births: hosts.map((host) => ({ ...host, instanceId: ids.next(), operationId: ids.next() })),
      nowMs: clock.nowMs(),
    });
    // The rows are larger than what is answered about them, and the turn is as large as they are.
    if (question.count === undefined || fits(created.turn.instances)) return created;
    const message = `So much metadata in ${question.count} instances at once is too large: create fewer.`;
    throw new StatusError("answerTooLarge", message);
  }
}

interface Plan {
  readonly question: CreateQuestion;
  readonly request: RequestFacts;
  readonly flavor: FlavorRecord;
  readonly image: ImageRecord;
  readonly where: Where;
  readonly wish: Wish;
  readonly count: number;
  readonly atLeast: number;
}

type Outcome =
  | { readonly kind: "created"; readonly answer: CreateAnswer }
  /** Choose again, by this plan. */
  | { readonly kind: "again"; readonly plan: Plan; readonly because: CommitResult["kind"] };

const nowhereElse: Where = { availabilityZone: null, serverGroupId: null, hints: null };

const asksWhere = ({ atLeast, availabilityZone, serverGroup, hints, host }: CreateQuestion): boolean =>
  [atLeast, availabilityZone, serverGroup, hints, host].some((wish) => wish !== undefined);

/** An answer that may have been given all the same, or a failure of ours: nothing to look up. */
const isStores = ({ code }: StatusError): boolean =>
  code === "UNAVAILABLE" || code === "INTERNAL" || code === "DEADLINE_EXCEEDED";

/** Where members shall be apart, the host has one now; where together, the next look says where they are. */
function without(plan: Plan, hostId: string, { group }: PlacementRequest): Plan {
  if (group?.policy !== "anti-affinity") return plan;
  const reason = "A member of the group came to it first.";
  return { ...plan, wish: { ...plan.wish, excluded: [...plan.wish.excluded, { hostId, reason }] } };
}

type Exceeded = Extract<CommitResult, { kind: "quotaExceeded" }>;

const named: Readonly<Record<QuotaResource, string>> = {
  instances: "instances",
  vcpus: "vCPUs",
  memoryMib: "MiB of memory",
};

/** As many as the quota has room for, when these are enough. @throws quotaExceeded */
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
