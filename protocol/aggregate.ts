/**
 * Host aggregates: sets of hosts with metadata. Availability zones: what users see of aggregates. An
 * aggregate with a zone puts its hosts into that zone; a host is in one zone at most. Operators make
 * aggregates.
 */
import { type Static, Type } from "@sinclair/typebox";
import {
  answer,
  Id,
  Label,
  Metadata,
  MetadataChanges,
  nullable,
  pageRequest,
  request,
  TimeMs,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const Aggregate = answer({
  id: Id,
  name: Label,
  /** The availability zone of the aggregate's hosts; null: the aggregate sets no zone. */
  availabilityZone: nullable(Label),
  metadata: Metadata,
  /** In the order of their ids. */
  hostIds: Type.Array(Id),
  createdAtMs: TimeMs,
});
export type Aggregate = Static<typeof Aggregate>;

const entity = { target: "entity", audience: "admin" } as const;
const one = answer({ aggregate: Aggregate });
/** A host's id or name. */
const host = Label;

export const aggregateService = service({
  noun: "aggregate",
  version: "1.0.0",
  summary: "Sets of hosts, for operators.",
  methods: {
    create: method({
      request: request({
        name: Label,
        availabilityZone: Type.Optional(Label),
        metadata: Type.Optional(Metadata),
      }),
      answer: one,
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Makes an aggregate without hosts; its name must be free.",
    }),
    list: method({
      request: request({ ...pageRequest }),
      answer: answer({ aggregates: Type.Array(Aggregate), nextMarker: Type.Optional(Id) }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Lists aggregates with their hosts, oldest first.",
    }),
    get: method({
      request: request({}),
      answer: one,
      ...entity,
      mutates: false,
      summary: "Shows one aggregate, by id or by name.",
    }),
    set: method({
      request: request({
        /** null removes the zone. */
        availabilityZone: Type.Optional(nullable(Label)),
        metadata: Type.Optional(MetadataChanges),
      }),
      answer: one,
      ...entity,
      mutates: true,
      summary: "Changes the zone or metadata; what is not named stays.",
    }),
    addHost: method({
      request: request({ host }),
      answer: one,
      ...entity,
      mutates: true,
      summary: "Puts a host into the aggregate; refused when it would be in two zones.",
    }),
    removeHost: method({
      request: request({ host }),
      answer: one,
      ...entity,
      mutates: true,
      summary: "Takes a host out; instances on it stay where they are.",
    }),
    delete: method({
      request: request({}),
      answer: one,
      ...entity,
      mutates: true,
      summary: "Removes an aggregate that has no hosts.",
    }),
  },
});

export const AvailabilityZone = answer({
  name: Label,
  /** At least one host of the zone is alive and enabled. */
  available: Type.Boolean(),
  /** Present only in the project admin. */
  hosts: Type.Optional(
    Type.Array(answer({ id: Id, name: Type.String(), enabled: Type.Boolean(), alive: Type.Boolean() })),
  ),
});
export type AvailabilityZone = Static<typeof AvailabilityZone>;

export const availabilityZoneService = service({
  noun: "availability-zone",
  version: "1.0.0",
  summary: "Where instances can be asked to be.",
  methods: {
    list: method({
      request: request({}),
      answer: answer({ zones: Type.Array(AvailabilityZone) }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Lists the zones by name; in the project admin with the state of their hosts.",
    }),
  },
});
