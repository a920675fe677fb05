/**
 * Host aggregates: sets of hosts with metadata. Availability zones: what users see of aggregates. An
 * aggregate with a zone puts its hosts into that zone; a host is in one zone at most. Operators make
 * aggregates.
 */
import { type Static, Type } from "@sinclair/typebox";
import { changed, kept, made, resource } from "./wire/resource.ts";
import {
  answer,
  GivenMetadata,
  GivenMetadataChanges,
  Id,
  Label,
  Metadata,
  nullable,
  request,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const aggregate = resource({
  noun: "aggregate",
  one: "aggregate",
  many: "aggregates",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  name: Label,
  nameUnique: true,
  numbered: true,
  fields: {
    /** The availability zone of the aggregate's hosts; null: the aggregate sets no zone. */
    availabilityZone: nullable(Label),
    metadata: Metadata,
  },
  /** In the order of their ids. */
  joined: { hostIds: Type.Array(Id) },
});

export const Aggregate = aggregate.shape;
export type Aggregate = Static<typeof Aggregate>;

/** A host's id or name. */
const host = Label;

export const aggregateService = service({
  noun: "aggregate",
  version: "1.0.0",
  summary: "Sets of hosts, for operators.",
  methods: {
    create: made(
      aggregate,
      { availabilityZone: Type.Optional(Label), metadata: Type.Optional(GivenMetadata) },
      "Makes an aggregate without hosts; its name must be free.",
    ),
    ...kept(aggregate, { delete: "Removes an aggregate that has no hosts." }),
    set: changed(
      aggregate,
      {
        /** null removes the zone. */
        availabilityZone: Type.Optional(nullable(Label)),
        metadata: Type.Optional(GivenMetadataChanges),
      },
      "Changes the zone or metadata; what is not named stays. Refused while instances have asked for the zone.",
    ),
    addHost: changed(
      aggregate,
      { host },
      "Puts a host in; refused when it would be in two zones, or leave one that instances there asked for.",
    ),
    removeHost: changed(
      aggregate,
      { host },
      "Takes a host out; refused while instances there have asked for the zone that it would leave.",
    ),
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
