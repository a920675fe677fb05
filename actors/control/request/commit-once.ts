/**
 * Idempotent commits of what operators change: one row, one event, one request id, in one commit. A repeated
 * request id is answered as the first time; a refusal names what stands in the way.
 */
import { nounInWords, type Resource } from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Ids } from "../../../protocol/wire/transport.ts";
import { counted, gibibytes } from "../../../protocol/wire/wording.ts";
import type { Store, StorePart } from "../../ports/store.ts";
import type { Commit, CommitResult, NewEvent } from "../../records/commit.ts";
import { requestIdReused } from "../../runtime/resident.ts";
import { contentHash } from "./content-hash.ts";

export interface CatalogOptions {
  readonly store: Pick<Store, "rows"> &
    StorePart<{
      hosts: "called" | "list";
      operations: "request";
      aggregates: "hosts";
      serverGroups: "members";
      quotas: "get";
    }>;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** As HostPorts has them. */
  readonly hostPortsReserved?: ReadonlySet<number> | undefined;
}

interface Cause {
  readonly request: object;
  readonly context: CallContext;
  readonly options: CatalogOptions;
}

/** What is needed to look for an answer that was given before. */
export interface Answering {
  readonly store: StorePart<{ operations: "request" }>;
}
type Repeated = Omit<Cause, "options"> & { readonly options: Answering };

/** The event of a change; without a project it is the operators'. */
type About = Pick<NewEvent, "noun" | "id" | "event" | "body"> & Partial<Pick<NewEvent, "project">>;

/** The request row (still without its answer) and the event of a change. */
export function catalogCommit(
  method: string,
  about: About,
  { request, context, options }: Cause,
): Required<Pick<Commit, "request" | "events">> {
  const atMs = options.clock.nowMs();
  const { project, requestId, id } = context;
  const hash = contentHash(method, id, { ...request });
  return {
    request: { project, requestId, contentHash: hash, answer: null, atMs },
    events: [{ project: adminProject, ...about, atMs, requestId }],
  };
}

/**
 * Does the work, or gives the answer that the same request got before: a removed row can no longer be found,
 * and a name that was taken is taken. A copy of the request may be executed while this one is on its way; so
 * what refuses it is believed only when there is still no answer. @throws what `work` throws; requestIdReused
 */
export async function unlessAnswered<A>(method: string, cause: Repeated, work: () => Promise<A>): Promise<A> {
  const before = await answeredBefore<A>(method, cause);
  if (before !== undefined) return before;
  try {
    return await work();
  } catch (thrown) {
    const meanwhile = await answeredBefore<A>(method, cause).catch(() => undefined);
    if (meanwhile === undefined) throw thrown;
    return meanwhile;
  }
}

async function answeredBefore<A>(
  method: string,
  { request, context, options }: Repeated,
): Promise<A | undefined> {
  const known = await options.store.operations.request(context.project, context.requestId);
  if (known === undefined) return undefined;
  if (known.contentHash !== contentHash(method, context.id, { ...request })) {
    throw requestIdReused(context.requestId);
  }
  return known.answer as A;
}

interface HostNames {
  get(hostId: string): { readonly name: string } | undefined;
}

interface Names {
  readonly directory?: HostNames;
  /** What is made or changed. */
  readonly resource?: Resource;
}

/**
 * Commits, and returns `answer`, or the answer that the same request got before. @throws nameTaken, inUse,
 * storageFull, zoneConflict, quotaExceeded, requestIdReused, generationConflict
 */
export async function commitOnce<A>(
  changes: Commit & Required<Pick<Commit, "request">>,
  answer: A,
  { commit, directory, resource }: Pick<CatalogOptions, "commit"> & Names,
): Promise<A> {
  const result = await commit({ ...changes, request: { ...changes.request, answer } });
  switch (result.kind) {
    case "committed":
      return answer;
    case "duplicate":
      if (result.request.contentHash !== changes.request.contentHash)
        throw requestIdReused(changes.request.requestId);
      return result.request.answer as A;
    case "nameTaken":
      throw new StatusError("nameTaken", taken(changes, resource));
    case "inUse":
      throw new StatusError("inUse", "Something uses it.");
    case "quotaExceeded":
      throw beyondQuota(result, resource);
    case "hostFull":
      throw new StatusError("storageFull", "The storage has no room for as much as that.");
    case "zoneConflict": {
      const host = directory?.get(result.hostId)?.name ?? result.hostId;
      throw new StatusError("zoneConflict", `The host ${host} would be in two availability zones.`);
    }
    case "zoneInUse":
      throw new StatusError("inUse", zoneHeld(result), { details: result });
    default:
      throw new StatusError(
        "generationConflict",
        "It was changed or removed by somebody else at the same time.",
      );
  }
}

/** The ids of the instances are in the details. */
const zoneHeld = ({ zone, count }: Extract<CommitResult, { kind: "zoneInUse" }>): string =>
  `The zone ${zone} cannot be taken from ${counted(count, "instance")} that asked for it.`;

/** Says which name, where the commit is about one row of a resource. */
function taken({ rows = [] }: Commit, resource: Resource | undefined): string {
  const [only, ...others] = rows.flatMap((one) =>
    "made" in one ? one.made : "changed" in one ? one.changed : [],
  );
  if (resource === undefined || only?.name === undefined || others.length > 0) return "The name is taken.";
  return `There is another ${nounInWords(resource)} called ${only.name}.`;
}

type Exceeded = Extract<CommitResult, { kind: "quotaExceeded" }>;

export const beyondQuota = (exceeded: Exceeded, resource?: Resource): StatusError =>
  new StatusError("quotaExceeded", tooMany(exceeded, resource), { details: exceeded });

function tooMany({ resource: of, limit, used, asked }: Exceeded, resource: Resource | undefined): string {
  if (of === "imageBytes")
    return `The project's images may take ${limit} bytes; they take ${used}, and this is ${asked} more.`;
  if (resource?.limit?.sum?.name === of)
    return `The project may have ${gibibytes(limit)} of ${nounInWords(resource)}s, and ${gibibytes(used)} are there.`;
  const words = resource === undefined ? "of them" : `${nounInWords(resource)}${limit === 1 ? "" : "s"}`;
  return `${resource?.owner === "user" ? "You" : "The project"} may have ${limit} ${words}, and ${used} are there.`;
}
