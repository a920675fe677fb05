/**
 * Quotas: how much a project may have at once. The transaction that makes an instance enforces the quota, and
 * the transaction that deletes the instance gives its share back. Operators set quotas.
 */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Count, Id, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const quotaResources = ["instances", "vcpus", "memoryMib"] as const;
export type QuotaResource = (typeof quotaResources)[number];

/** Stands in the place of a project's name for the default of all projects; no project can have this name. */
export const everyProject = "*";

/** -1: no limit; null: the default of all projects holds. */
const Limit = nullable(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }));

export const QuotaLimits = answer({ instances: Limit, vcpus: Limit, memoryMib: Limit });
export type QuotaLimits = Static<typeof QuotaLimits>;

const Effective = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER });

export const Quota = answer({
  project: Id,
  /** The limits as they were set; null where the default of all projects holds. */
  limits: QuotaLimits,
  /** The limits that hold: those that were set, else the defaults; -1: no limit. */
  effective: answer({ instances: Effective, vcpus: Effective, memoryMib: Effective }),
  /** Usage by all instances that are not deleted, stopped and failed ones included. */
  used: answer({ instances: Count, vcpus: Count, memoryMib: Count }),
});
export type Quota = Static<typeof Quota>;

const changes = {
  instances: Type.Optional(Limit),
  vcpus: Type.Optional(Limit),
  memoryMib: Type.Optional(Limit),
};

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
      request: request(changes),
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
      request: request(changes),
      answer: answer({ limits: QuotaLimits }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Sets the limits of projects that have none of their own; -1, as at first, is no limit.",
    }),
  },
});
