/**
 * Quotas: set by operators, shown to projects. A quota below the present use removes nothing: it only refuses
 * more.
 */
import {
  everyProject,
  type Quota,
  type QuotaLimits,
  type QuotaResource,
  quotaResources,
  type quotaService,
} from "../../../protocol/quota.ts";
import { limitedResources, summedLimits } from "../../../protocol/resources.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import { didYouMean } from "../../../protocol/wire/nearest.ts";
import { limitNameOf, type Resource } from "../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { QuotaRecord } from "../../records/placement.ts";
import { type CatalogOptions, catalogCommit, commitOnce } from "../request/commit-once.ts";

/** The event about the default has this id: an event's id is a token of its subject. */
const defaultId = "default-quota";

export interface QuotaOptions extends CatalogOptions {
  /** The resources of plug-ins of which a project may have only so many. */
  readonly extensions: readonly Resource[];
  /** All clients' projects. Absent: not all are known, and any name may be one. */
  readonly projects?: readonly string[] | undefined;
}

export function quotaHandlers(options: QuotaOptions): Handlers<typeof quotaService> {
  const { store } = options;
  return {
    get: async (_request, { project }) => ({ quota: await quotaView(project, options) }),
    show: async (_request, { id }) => {
      const quota = await quotaView(id, options);
      assertProject(quota, options);
      return { quota };
    },
    set: async (request, context) => {
      assertKnown(request, options);
      const project = context.id;
      const before = await quotaView(project, options);
      assertProject(before, options);
      const defaults = limitsIn(await store.quotas.get(everyProject), options);
      const quota = withLimits(before, changedLimits(before.limits, request), defaults, options);
      const about = { noun: "quota", id: project, event: "changed", body: { project, ...request } };
      return change("set", project, { quota }, { about, request, context, options });
    },
    getDefault: async () => ({ limits: limitsIn(await store.quotas.get(everyProject), options) }),
    setDefault: async (request, context) => {
      assertKnown(request, options);
      const before = limitsIn(await store.quotas.get(everyProject), options);
      const limits = changedLimits(before, request);
      const about = { noun: "quota", id: defaultId, event: "changed", body: { ...request } };
      return change("setDefault", everyProject, { limits }, { about, request, context, options });
    },
  };
}

interface Cause {
  readonly about: Parameters<typeof catalogCommit>[1];
  readonly request: Partial<QuotaLimits>;
  readonly context: CallContext;
  readonly options: CatalogOptions;
}

function change<A>(method: string, project: string, answer: A, { about, ...cause }: Cause): Promise<A> {
  const commit = catalogCommit(`quota.${method}`, about, cause);
  return commitOnce({ quotas: [{ project, ...cause.request }], ...commit }, answer, cause.options);
}

/** A project that has something is known, also without the configuration. @throws projectNotFound */
function assertProject({ project, limits, used }: Quota, { projects }: QuotaOptions): void {
  if (projects === undefined || [...projects, adminProject].includes(project)) return;
  if (numbersIn(limits).length > 0 || numbersIn(used).some((number) => number > 0)) return;
  const named = projects.slice(0, projectsNamedMax).join(", ");
  const more = projects.length > projectsNamedMax ? ", …" : "";
  const message = `There is no project ${project}: there are ${named}${more}.${didYouMean(project, projects)}`;
  throw new StatusError("projectNotFound", message);
}

/** A refusal is to be read by people. */
const projectsNamedMax = 20;

/** Those of plug-ins' resources as well. */
const numbersIn = ({ extensions = {}, ...own }: QuotaLimits | Quota["used"]): readonly number[] =>
  [...Object.values(own), ...Object.values(extensions)].filter((one) => typeof one === "number");

/** @throws schemaMismatch when a limit is for a resource that no plug-in here has */
function assertKnown({ extensions = {} }: Partial<QuotaLimits>, options: QuotaOptions): void {
  const known = options.extensions.map(limitNameOf);
  const strange = Object.keys(extensions).find((name) => !known.includes(name));
  if (strange === undefined) return;
  const there =
    known.length === 0 ? "no plug-in has a resource with a limit" : `there are ${known.join(", ")}`;
  throw faulty("extensions", `has ${strange}, which is no limited resource of a plug-in: ${there}`);
}

const changedLimits = (before: QuotaLimits, { extensions, ...given }: Partial<QuotaLimits>): QuotaLimits => ({
  ...before,
  ...given,
  ...(extensions === undefined ? {} : { extensions: { ...before.extensions, ...extensions } }),
});

/** Every limit, null where none is set; those of plug-ins only when there are such resources. */
function limitsIn({ limits, extensions: set = {} }: QuotaRecord, { extensions }: QuotaOptions): QuotaLimits {
  if (extensions.length === 0) return limits;
  const theirs = extensions.map((one) => [limitNameOf(one), set[limitNameOf(one)] ?? null] as const);
  return { ...limits, extensions: Object.fromEntries(theirs) };
}

async function quotaView(project: string, options: QuotaOptions): Promise<Quota> {
  const { store, extensions } = options;
  const [own, every, ...counts] = await Promise.all([
    store.quotas.get(project),
    store.quotas.get(everyProject),
    ...extensions.map(async (one) => [limitNameOf(one), await store.rows.count(one, { project })] as const),
  ]);
  const theirs = counts.length === 0 ? {} : { extensions: Object.fromEntries(counts) };
  const before = { project, used: { ...own.used, ...theirs } };
  return withLimits(before, limitsIn(own, options), limitsIn(every, options), options);
}

function withLimits(
  { project, used }: Pick<Quota, "project" | "used">,
  limits: QuotaLimits,
  defaults: QuotaLimits,
  { extensions }: QuotaOptions,
): Quota {
  const holding = (one: QuotaResource) => limits[one] ?? defaults[one] ?? defaultOf(one);
  const effective = Object.fromEntries(quotaResources.map((one) => [one, holding(one)]));
  const theirs = extensions.map((one) => {
    const name = limitNameOf(one);
    const most = limits.extensions?.[name] ?? defaults.extensions?.[name] ?? one.limit?.most ?? -1;
    return [name, most] as const;
  });
  const more = theirs.length === 0 ? {} : { extensions: Object.fromEntries(theirs) };
  return { project, limits, effective: { ...effective, ...more } as Quota["effective"], used };
}

/** Of a project without a quota, in a cell whose operators set no default. */
const defaultOf = (one: QuotaResource): number =>
  limitedResources.find(({ many }) => many === one)?.limit.most ??
  summedLimits.find(({ name }) => name === one)?.most ??
  -1;
