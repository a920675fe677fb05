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
import { limitedResources } from "../../../protocol/resources.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { type CatalogOptions, catalogCommit, commitOnce } from "../request/commit-once.ts";

/** The event about the default has this id: an event's id is a token of its subject. */
const defaultId = "default-quota";

export function quotaHandlers(options: CatalogOptions): Handlers<typeof quotaService> {
  const { store } = options;
  return {
    get: async (_request, { project }) => ({ quota: await quotaView(project, options) }),
    show: async (_request, { id }) => ({ quota: await quotaView(id, options) }),
    set: async (request, context) => {
      const project = context.id;
      const before = await quotaView(project, options);
      const defaults = (await store.quotas.get(everyProject)).limits;
      const quota = withLimits(before, { ...before.limits, ...request }, defaults);
      const about = { noun: "quota", id: project, event: "changed", body: { project, ...request } };
      return change("set", project, { quota }, { about, request, context, options });
    },
    getDefault: async () => ({ limits: (await store.quotas.get(everyProject)).limits }),
    setDefault: async (request, context) => {
      const limits = { ...(await store.quotas.get(everyProject)).limits, ...request };
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

async function quotaView(project: string, { store }: CatalogOptions): Promise<Quota> {
  const [own, every] = await Promise.all([store.quotas.get(project), store.quotas.get(everyProject)]);
  return withLimits({ project, used: own.used }, own.limits, every.limits);
}

function withLimits(
  { project, used }: Pick<Quota, "project" | "used">,
  limits: QuotaLimits,
  defaults: QuotaLimits,
): Quota {
  const holding = (one: QuotaResource) => limits[one] ?? defaults[one] ?? defaultOf(one);
  const effective = Object.fromEntries(quotaResources.map((one) => [one, holding(one)]));
  return { project, limits, effective: effective as Quota["effective"], used };
}

/** Of a project without a quota, in a cell whose operators set no default. */
const defaultOf = (one: QuotaResource): number =>
  limitedResources.find(({ many }) => many === one)?.limit.most ?? -1;
