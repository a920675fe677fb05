/**
 * Quotas: how much a project may have at once. The transaction that makes an instance enforces the quota, and
 * the transaction that deletes the instance gives its share back. Operators set quotas.
 */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { type LimitedName, limitedResources, type SummedName, summedLimits } from "./resources.ts";
import { answer, Count, Id, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** What instances use: sums that are kept. */
export const usedResources = ["instances", "vcpus", "memoryMib"] as const;
export type UsedResource = (typeof usedResources)[number];

/** Sums over the rows of resources: what all images of a project take, or have said to take. */
const summedResources = ["imageBytes"] as const;
export type SummedResource = (typeof summedResources)[number];

/** What a quota limits: what instances use, how many a project may have of a resource, and such sums. */
export type QuotaResource = UsedResource | LimitedName | SummedResource | SummedName;

/** Those that a server of a version before may not have. */
const later: readonly (LimitedName | SummedResource | SummedName)[] = [
  ...summedResources,
  ...limitedResources.map(({ many }) => many),
  ...summedLimits.map(({ name }) => name),
];
export const quotaResources: readonly QuotaResource[] = [...usedResources, ...later];

/** Stands in the place of a project's name for the default of all projects; no project can have this name. */
export const everyProject = "*";

/** -1: no limit; null: the default of all projects holds. */
const Limit = nullable(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }));

/** Of resources of plug-ins, by plug-in and resource: `acme.maintenanceWindows`. Absent: there are none. */
const ofExtensions = <T extends TSchema>(schema: T) =>
  Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}\\.[A-Za-z0-9]{1,64}$" }), schema, {
    maxProperties: 1_000,
    additionalProperties: false,
    description: "pairs of the name of a plug-in's resource, such as acme.maintenanceWindows, and a limit",
  });

type Each<T> = Record<UsedResource, T> &
  Partial<Record<LimitedName | SummedResource | SummedName, T>> & { extensions?: Record<string, T> };

/** One field for each. Absent: the server is of a version that did not limit this one. */
const each = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Each<Static<T>>>(
    answer({
      ...Object.fromEntries(usedResources.map((one) => [one, schema])),
      ...Object.fromEntries(later.map((one) => [one, Type.Optional(schema)])),
      extensions: Type.Optional(ofExtensions(schema)),
    }),
  );

export const QuotaLimits = each(Limit);
export type QuotaLimits = Static<typeof QuotaLimits>;

const Effective = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER });

export const Quota = answer({
  project: Id,
  /** The limits as they were set; null where the default of all projects holds. */
  limits: QuotaLimits,
  /** The limits that hold: those that were set, else the defaults; -1: no limit. */
  effective: each(Effective),
  /** Usage by all instances that are not deleted, stopped and failed ones included; and what there is. */
  used: each(Count),
});
export type Quota = Static<typeof Quota>;

const changes = Type.Unsafe<Partial<QuotaLimits>>(
  request({
    ...Object.fromEntries(quotaResources.map((one) => [one, Type.Optional(Limit)])),
    extensions: Type.Optional(ofExtensions(Limit)),
  }),
);

export const quotaService = service({
  noun: "quota",
  version: "1.0.0",
  summary: "How much a project may have.",
  methods: {
    get: method({
      request: request({}),
      answer: answer({ quota: Quota }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Shows the project's own quota and what it uses.",
    }),
    show: method({
      request: request({}),
      answer: answer({ quota: Quota }),
      target: "entity",
      audience: "admin",
      mutates: false,
      summary: "Shows the quota of the named project and what it uses.",
    }),
    set: method({
      request: changes,
      answer: answer({ quota: Quota }),
      target: "entity",
      audience: "admin",
      mutates: true,
      summary: "Sets limits of the named project; null goes back to the default, -1 is no limit.",
    }),
    getDefault: method({
      request: request({}),
      answer: answer({ limits: QuotaLimits }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Shows the limits of projects that have none of their own.",
    }),
    setDefault: method({
      request: changes,
      answer: answer({ limits: QuotaLimits }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Sets the limits of projects that have none of their own; -1, as at first, is no limit.",
    }),
  },
});
