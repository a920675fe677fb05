/**
 * Carries out creates with the scheduler and the store: choose hosts, claim them in one commit, and choose
 * again when another claim was faster, or the group's rule does not allow the choice (any more). The commit
 * decides, also about groups, quotas, flavor and image. The scheduler only proposes, and the cache of flavors
 * and images only guesses: a create that was refused after such a guess is tried once more with the present
 * flavor and image of these names.
 *
 * A dry run is the same with a commit that is only rehearsed (decision 0035). It must never have a rule of
 * its own.
 */
import { flavor as flavorResource } from "../../../protocol/flavor.ts";
import type { HostVerdict } from "../../../protocol/instance.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { everyProject } from "../../../protocol/quota.ts";
import { type Denial, StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Ids } from "../../../protocol/wire/transport.ts";
import type { Store, StorePart } from "../../ports/store.ts";
import type { FlavorRecord } from "../../records/catalog.ts";
import type { Commit, CommitResult, Rehearsed } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import type { SpaceWatch } from "../../runtime/space-watch.ts";
import type { DefaultGroups } from "../networking/default-group.ts";
import { type PlacementStore, packetsOf, placementRequest, type Wish } from "../placement/placement.ts";
import type { ChosenHost, Placer } from "../placement/placer.ts";
import { requestLimits } from "../request/limits.ts";
import { fits } from "../request/page.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import { askedOfFlavor, imageKeyOf, placedOf, roomOf, startedBy, volumesOf } from "./asked-volumes.ts";
import { furnish } from "./attaching.ts";
import { CatalogCache, type CatalogEntries, type CatalogStore, sameEntries } from "./catalog-cache.ts";
import {
  type CreateAnswer,
  type Created,
  create,
  effectiveSize,
  flavorFits,
  imageDenied,
  longHostnameDenied,
  longNameDenied,
  nameOf,
  withSmallest,
} from "./create.ts";
import { isRefusal, notThere, overtaken, refuseWhenFull, sameAnswer } from "./create-refusals.ts";
import { guestOf } from "./guest-check.ts";
import {
  type ChosenInterfaces,
  chooseInterfaces,
  type InterfaceWorld,
  interfacesOf,
  packetsIn,
  rehearsing,
  settleInterfaces,
} from "./interfaces.ts";
import { createLimits } from "./limits.ts";
import { type Where, type WishStore, whereOf } from "./placement-request-check.ts";
import {
  type AskedCreate,
  type CreateQuestion,
  type DryRun,
  type Plan,
  type Quotas,
  within,
  withinNow,
  without,
} from "./plan.ts";
import { wire } from "./wiring.ts";

export interface CreatorOptions {
  readonly store: StorePart<{ operations: "request"; quotas: "get" }> &
    Pick<Store, "rehearse"> &
    CatalogStore &
    WishStore &
    PlacementStore;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly placer: Placer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What is known of addresses and groups, shared with whoever makes ports. */
  readonly networking: Pick<InterfaceWorld, "addresses" | "hostPortsReserved"> & {
    readonly defaultGroups: DefaultGroups;
  };
  /** The controller's own file systems, and the database's. */
  readonly space: Pick<SpaceWatch, "full">;
  /** Called with the new instances of one create: their actors take them from here. */
  readonly born: (created: readonly LoadedInstance[]) => void;
}

export class Creator {
  readonly #options: CreatorOptions;
  readonly #catalog: CatalogCache;
  readonly #networking: InterfaceWorld;

  constructor(options: CreatorOptions) {
    this.#options = options;
    this.#catalog = new CatalogCache(options.store, options.clock);
    const { store, clock, ids, networking } = options;
    this.#networking = { store, clock, ids, ...networking };
  }

  /**
   * @throws unknownFlavor, unknownImage, imageNotActive, unknownKeyPair, flavorTooSmall, noValidHost,
   * diskFull, quotaExceeded, groupRuleBroken, requestIdReused, the errors of wishes and interfaces, and those
   * of the store
   */
  async create(asked: AskedCreate, request: RequestFacts, deadlineMs: number): Promise<CreateAnswer> {
    try {
      const question = await this.#withImage(asked, request.project);
      return (await this.#createNow(question, request, deadlineMs)).answer;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // Not possible now; but perhaps the same request was accepted before.
      const known = await this.#options.store.operations.request(request.project, request.requestId);
      if (known === undefined) throw thrown;
      return sameAnswer(known, request);
    }
  }

  /**
   * What `create` would come to now: everything but the commit, which is rehearsed. Makes and promises
   * nothing. @throws as create for what is wrong with the request itself; what hosts, groups and quotas are
   * against is in the answer
   */
  async rehearse(asked: AskedCreate, project: string, deadlineMs: number): Promise<Rehearsal> {
    const { placer, store, clock, ids } = this.#options;
    const question = await this.#withImage(asked, project);
    const request = { project, requestId: ids.next(), contentHash: "" };
    const outcome = await this.#rehearsed(question, request, deadlineMs);
    // Flavor and image as they are now: a request that is wrong in itself ends here.
    const entries = await this.#catalog.find({ ...question, project }, clock.monotonicMs());
    const { wish } = await this.#planOf(question, request, entries, { turns: 0 });
    const verdicts = await placer.explainRequest(await placementRequest(wish, store), deadlineMs);
    return { ...outcome, verdicts };
  }

  async #withImage(asked: AskedCreate, project: string): Promise<CreateQuestion> {
    return { ...asked, image: await imageKeyOf(asked, project, this.#options.store) };
  }

  async #rehearsed(
    question: CreateQuestion,
    request: RequestFacts,
    deadlineMs: number,
  ): Promise<Omit<Rehearsal, "verdicts">> {
    refuseWhenFull(this.#options.space.full);
    try {
      const { hosts, rest } = await this.#createNow(question, request, deadlineMs, { turns: 0 });
      return { hosts, ...(rest === undefined ? {} : { rest }) };
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      return { hosts: [], refusal: thrown };
    }
  }

  async #createNow(
    question: CreateQuestion,
    request: RequestFacts,
    deadlineMs: number,
    dryRun?: DryRun,
  ): Promise<Done> {
    refuseWhenFull(this.#options.space.full);
    const beganAtMs = this.#options.clock.monotonicMs();
    const names = { ...question, project: request.project };
    const createBy = async (entries: CatalogEntries): Promise<Done> =>
      this.#createBy(await this.#planOf(question, request, entries, dryRun), deadlineMs);
    let known: CatalogEntries | undefined;
    try {
      known = await this.#catalog.find(names, beganAtMs - createLimits.catalogCacheMs);
      return await createBy(known);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // Once is enough: a refusal by a read that began after the request is true of a moment since then.
      const now = await this.#catalog.find(names, beganAtMs);
      if (known !== undefined && sameEntries(known, now)) throw thrown;
      return createBy(now);
    }
  }

  async #planOf(
    question: CreateQuestion,
    request: RequestFacts,
    entries: CatalogEntries,
    dryRun?: DryRun,
  ): Promise<Plan> {
    const { flavor, image } = entries;
    const { count: asked, hostname } = question;
    const long = longNameDenied(question.name, asked) ?? longHostnameDenied(hostname, asked);
    if (long !== undefined) throw StatusError.of(long);
    const volumes = await volumesOf(question, request.project, this.#options.store);
    const asks = askedOfFlavor(image, volumes);
    const unfit = imageDenied(image) ?? flavorFits(flavor, asks);
    if (unfit?.reason === "imageNotActive") throw StatusError.of(unfit);
    if (unfit !== undefined) throw StatusError.of(withSmallest(unfit, asks, await this.#flavors()));
    const where = asksWhere(question)
      ? await whereOf(question, request.project, this.#options.store)
      : nowhereElse;
    const { project } = request;
    const guest = await guestOf(question, project, this.#options.store);
    const networking = dryRun ? rehearsing(this.#networking) : this.#networking;
    const interfaces = await interfacesOf(question, project, networking);
    const { configDrive } = guest;
    const networked = interfaces === null ? undefined : packetsOf(interfaces.map(packetsIn));
    const about = {
      project,
      flavor: effectiveSize(flavor, asks),
      imageProperties: asks.properties,
      configDrive,
    };
    const on = {
      ...{ networked, publishing: (question.publish ?? []).length > 0 },
      ...{ volumes: placedOf(volumes), volumeGib: roomOf(volumes) },
    };
    const wish: Wish = { ...where, ...about, ...on, excluded: [] };
    const count = question.count ?? 1;
    const many = { count, atLeast: question.atLeast ?? count };
    const devices = { interfaces, networking, volumes };
    return { question, request, entries, where, guest, ...devices, wish, ...many, dryRun };
  }

  #flavors(): Promise<readonly FlavorRecord[]> {
    return this.#options.store.rows.list(flavorResource, { limit: wireLimits.pageLengthMax });
  }

  async #createBy(first: Plan, deadlineMs: number): Promise<Done> {
    let plan = first;
    let refused = "";
    for (let attempt = 1; attempt <= createLimits.placementAttemptsMax; attempt += 1) {
      const outcome = await this.#attempt(plan, deadlineMs);
      if (outcome.kind === "done") return outcome;
      plan = outcome.plan;
      refused = outcome.because;
    }
    if (refused === "nameTaken")
      throw new StatusError("addressTaken", allTaken, { retryAfterMs: requestLimits.lookAgainMs });
    const reason = refused === "groupRule" ? "groupRuleBroken" : "noValidHost";
    const what = refused === "groupRule" ? "against the rule of its group" : "full";
    throw new StatusError(reason, `Every host that was chosen was ${what} by the time of its claim.`, {
      retryAfterMs: requestLimits.lookAgainMs,
    });
  }

  async #attempt(given: Plan, deadlineMs: number): Promise<Outcome> {
    const { placer, commit, store, clock } = this.#options;
    const plan = given.count > 1 ? withinNow(given, await this.#quotasOf(given)) : given;
    const { atLeast, count, dryRun, networking } = plan;
    const wanted = await placementRequest(plan.wish, store);
    const chosen = await placer.placeMany(wanted, {
      ...{ count, atLeast, deadlineMs },
      supposed: dryRun?.turns,
    });
    if (chosen.kind === "denied") throw StatusError.of(chosen.denial);
    const wires = await chooseInterfaces(
      plan.interfaces ?? [],
      { count: chosen.hosts.length, atLeast, isLate: () => clock.monotonicMs() >= deadlineMs },
      networking,
    );
    let outcome: Parameters<typeof settleInterfaces>[1] = "refused";
    try {
      const hosts = chosen.hosts.slice(0, wires.each.length);
      const created = this.#created(plan, hosts, wires);
      if (dryRun !== undefined) dryRun.turns += hosts.length;
      const result = dryRun ? await this.#rehearse(plan, created) : await commit(created.commit);
      if (result.kind === "committed") outcome = "committed";
      if (result.kind === "nameTaken") outcome = "taken";
      const rest = plan.rest ?? wires.rest ?? chosen.rest;
      return this.#after(result, { plan, wanted, created, hosts, ...(rest && { rest }) });
    } finally {
      settleInterfaces(wires, outcome, networking);
    }
  }

  async #rehearse({ request: { project } }: Plan, { commit }: Created): Promise<Rehearsed> {
    const { store, networking } = this.#options;
    return store.rehearse(await networking.defaultGroups.rehearsed(project, commit));
  }

  async #quotasOf({ request }: Plan): Promise<Quotas> {
    const { store } = this.#options;
    const [own, every] = await Promise.all([
      store.quotas.get(request.project),
      store.quotas.get(everyProject),
    ]);
    return { own, every };
  }

  #after(result: CommitResult | Rehearsed, { plan, wanted, created, hosts, rest }: Attempt): Outcome {
    const { placer, born } = this.#options;
    const done = { kind: "done", hosts, ...(rest && { rest }) } as const;
    const answer = created.commit.request?.answer as CreateAnswer;
    switch (result.kind) {
      case "possible":
        return { ...done, answer };
      case "committed":
        placer.claimed(hosts, wanted);
        born(created.instances);
        return { ...done, answer };
      case "duplicate":
        return { ...done, answer: sameAnswer(result.request, plan.request) };
      case "hostFull":
        placer.full(result.hostId);
        return { kind: "again", plan, because: "hostFull" };
      case "groupRule":
        return { kind: "again", plan: without(plan, result.hostId, wanted), because: "groupRule" };
      case "quotaExceeded":
        return {
          kind: "again",
          plan: within(plan, result, created.instances.length),
          because: "quotaExceeded",
        };
      case "nameTaken":
        return { kind: "again", plan, because: "nameTaken" };
      case "conflict":
        throw overtaken(plan);
      case "missing":
        throw notThere(result, plan);
      default:
        throw new StatusError("internal", "The instance could not be written.", { detail: result.kind });
    }
  }

  #created(plan: Plan, hosts: readonly ChosenHost[], { each }: ChosenInterfaces): Created {
    const { clock, ids } = this.#options;
    const { question, entries, request, where, guest, interfaces: planned, networking, volumes } = plan;
    const many = question.count !== undefined;
    const nowMs = clock.nowMs();
    const births = hosts.map((host) => ({ ...host, instanceId: ids.next(), operationId: ids.next() }));
    const created = create({
      name: question.name,
      metadata: question.metadata ?? {},
      description: question.description ?? null,
      recovery: { policy: "restart", priority: 0, ...question.recovery },
      many,
      flavor: entries.flavor,
      image: startedBy(entries.image, volumes),
      where,
      guest,
      request,
      births,
      wired:
        planned === null
          ? []
          : births.map(({ instanceId }, at) =>
              wire({ planned, chosen: each[at] ?? [], instanceId, ...request }, networking),
            ),
      furnished:
        volumes.length === 0
          ? []
          : births.map((birth, at) => {
              const name = many ? nameOf(question.name, at) : question.name;
              return furnish({ planned: volumes, name, ...birth, ...request, nowMs }, ids);
            }),
      nowMs,
    });
    // The rows are larger than the answer about them, and the commit is as large as the rows.
    if (question.count === undefined || fits(created.commit.instances)) return created;
    const message = `So much metadata and user data in ${question.count} instances at once is too large: create fewer.`;
    throw new StatusError("answerTooLarge", message);
  }
}

/** What a create would come to. */
export interface Rehearsal {
  /** The host of each instance that would be made; none when it would be refused. */
  readonly hosts: readonly ChosenHost[];
  /** Why fewer would be made than were asked for. */
  readonly rest?: Denial;
  /** With what the create would be refused. */
  readonly refusal?: StatusError;
  /** What each host says to the first instance. */
  readonly verdicts: readonly HostVerdict[];
}

interface Attempt {
  readonly plan: Plan;
  readonly wanted: PlacementRequest;
  readonly created: Created;
  readonly hosts: readonly ChosenHost[];
  readonly rest?: Denial;
}

interface Done {
  readonly answer: CreateAnswer;
  readonly hosts: readonly ChosenHost[];
  readonly rest?: Denial;
}

type Outcome =
  | ({ readonly kind: "done" } & Done)
  /** Choose hosts again, by this plan. */
  | { readonly kind: "again"; readonly plan: Plan; readonly because: CommitResult["kind"] };

const allTaken = "Every address that was chosen was taken by the time of its commit.";

const nowhereElse: Where = { availabilityZone: null, serverGroupId: null, hints: null };

const asksWhere = ({ atLeast, availabilityZone, serverGroup, hints, host }: CreateQuestion): boolean =>
  [atLeast, availabilityZone, serverGroup, hints, host].some((wish) => wish !== undefined);
