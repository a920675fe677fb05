/**
 * Create, as a conversation with the scheduler and the store: choose hosts, claim them in one turn, and
 * choose again when another controller's claim was faster. The claim in the turn decides; the scheduler only
 * proposes.
 */
import { limits } from "../../protocol/limits.ts";
import type { RecoveryPolicy } from "../../protocol/states.ts";
import { StatusError } from "../../protocol/status.ts";
import { requestIdReused } from "../instance/actor.ts";
import type { RequestFacts } from "../instance/messages.ts";
import type { Clock, Ids, Store } from "../runtime/ports.ts";
import type {
  CommitResult,
  FlavorRecord,
  ImageRecord,
  LoadedInstance,
  RequestRecord,
  Turn,
} from "../runtime/records.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import { type CreateAnswer, create, effectiveSize, flavorFits } from "./create.ts";
import { fits } from "./page.ts";
import type { Placer } from "./placer.ts";

export interface CreatorOptions {
  readonly store: Pick<Store, "getFlavor" | "getImage" | "getRequest">;
  readonly commit: (turn: Turn) => Promise<CommitResult>;
  readonly placer: Placer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Every instance that was made; its actor takes it from here. */
  readonly born: (loaded: LoadedInstance) => void;
}

export interface CreateQuestion {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly count?: number;
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
   * @throws unknownFlavor, unknownImage, flavorTooSmall, noValidHost, requestIdReused, and what the store
   * throws
   */
  async create(question: CreateQuestion, request: RequestFacts, deadlineMs: number): Promise<CreateAnswer> {
    const [flavor, image] = await Promise.all([
      this.#flavors.get(question.flavor),
      this.#images.get(question.image),
    ]);
    if (flavor === undefined || image === undefined) {
      return this.#answeredBefore(request, unknown(question, flavor));
    }
    const unfit = flavorFits(flavor, image);
    if (unfit !== undefined) return this.#answeredBefore(request, StatusError.of(unfit));
    const { vcpus, memoryMib, diskGib } = effectiveSize(flavor, image);
    const wanted: PlacementRequest = { vcpus, memoryMib, diskGib, image: image.properties, excluded: [] };
    for (let attempt = 1; attempt <= limits.placementAttemptsMax; attempt += 1) {
      const answer = await this.#attempt({ question, flavor, image, request, wanted }, deadlineMs);
      if (answer !== undefined) return answer;
    }
    throw new StatusError("noValidHost", "Every host that was chosen was full by the time of its claim.", {
      retryAfterMs: limits.lookAgainMs,
    });
  }

  /** Undefined: a claim did not fit any more, choose again. */
  async #attempt(attempt: Attempt, deadlineMs: number): Promise<CreateAnswer | undefined> {
    const { placer, commit, clock, ids, born } = this.#options;
    const { question, flavor, image, request, wanted } = attempt;
    const hosts = await placer.placeMany(wanted, question.count ?? 1, deadlineMs);
    if (hosts.kind === "denied") return this.#answeredBefore(request, StatusError.of(hosts.denial));
    const { turn, instances } = create({
      name: question.name,
      metadata: question.metadata ?? {},
      recovery: { policy: "restart", priority: 0, ...question.recovery },
      many: question.count !== undefined,
      flavor,
      image,
      request,
      births: hosts.hosts.map((host) => ({ ...host, instanceId: ids.next(), operationId: ids.next() })),
      nowMs: clock.nowMs(),
    });
    if (question.count !== undefined && !fits(turn.request?.answer)) {
      const message = `The answer about ${question.count} instances with so much metadata is too large: create fewer.`;
      return this.#answeredBefore(request, new StatusError("answerTooLarge", message));
    }
    const result = await commit(turn);
    switch (result.kind) {
      case "committed":
        placer.claimed(hosts.hosts, wanted);
        for (const loaded of instances) born(loaded);
        return turn.request?.answer as CreateAnswer;
      case "duplicate":
        return sameAnswer(result.request, request);
      case "hostFull":
        placer.full(result.hostId);
        return undefined;
      default:
        throw new StatusError("internal", "The instance could not be written.", { detail: result.kind });
    }
  }

  /** Not possible now; but perhaps this very request was accepted before, when it was. */
  async #answeredBefore(request: RequestFacts, otherwise: StatusError): Promise<CreateAnswer> {
    const known = await this.#options.store.getRequest(request.project, request.requestId);
    if (known === undefined) throw otherwise;
    return sameAnswer(known, request);
  }
}

interface Attempt {
  readonly question: CreateQuestion;
  readonly flavor: FlavorRecord;
  readonly image: ImageRecord;
  readonly request: RequestFacts;
  readonly wanted: PlacementRequest;
}

function unknown({ flavor, image }: CreateQuestion, found: FlavorRecord | undefined): StatusError {
  if (found === undefined) return new StatusError("unknownFlavor", `There is no flavor ${flavor}.`);
  return new StatusError("unknownImage", `There is no image ${image}.`);
}

function sameAnswer(known: RequestRecord, request: RequestFacts): CreateAnswer {
  if (known.contentHash !== request.contentHash) throw requestIdReused(request.requestId);
  return known.answer as CreateAnswer;
}

/**
 * Flavors and images never change, they only appear and go: an answer may be a moment old, an absence may
 * not.
 */
class CatalogCache<T> {
  readonly #clock: Clock;
  readonly #read: (key: string) => Promise<T | undefined>;
  readonly #known = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(clock: Clock, read: (key: string) => Promise<T | undefined>) {
    this.#clock = clock;
    this.#read = read;
  }

  async get(key: string): Promise<T | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.value;
    this.#known.delete(key);
    const value = await this.#read(key);
    if (this.#known.size >= limits.pageLengthMax) this.#known.clear();
    if (value !== undefined) this.#known.set(key, { value, untilMs: nowMs + limits.catalogCacheMs });
    return value;
  }
}
