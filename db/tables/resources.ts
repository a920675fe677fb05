/**
 * The tables of resources, made from their definitions: which columns there are, and of which kind, is said
 * there and nowhere else. Here stands only what a definition does not say, such as CHECKs.
 */
import { defineEntity, type EntitySchema } from "@mikro-orm/core";
import type { TSchema } from "@sinclair/typebox";
import { imageStates, imageVisibilities, memberStatuses } from "../../protocol/image.ts";
import { innerResources, resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { columnNameOf } from "../rows/row-changes.ts";
import { count, flag, id, nested, notNegative, text, timeMs } from "./columns.ts";

interface Additions {
  readonly checks?: readonly { readonly name: string; readonly expression: string }[];
  readonly indexes?: readonly { readonly name: string; readonly fields: readonly string[] }[];
  /** Numbers that are 0 in rows of controllers that do not know them. */
  readonly later?: readonly string[];
}

/** For lists of what refers to something; a unique key may begin with the same column. */
const referenceIndex = (table: string, field: string) => ({
  name: `${table}_${columnNameOf(field)}_idx`,
  fields: [field, "id"],
});

const oneOf = (column: string, words: readonly string[]): string =>
  `${column} in (${words.map((word) => `'${word}'`).join(", ")})`;

const additions: Readonly<Record<string, Additions>> = {
  flavor: {
    later: ["ephemeralGib", "swapMib"],
    checks: [
      {
        name: "flavor_size_check",
        expression: notNegative("vcpus", "memory_mib", "disk_gib", "ephemeral_gib", "swap_mib"),
      },
    ],
  },
  image: {
    checks: [
      { name: "image_state_check", expression: oneOf("state", imageStates) },
      { name: "image_visibility_check", expression: oneOf("visibility", imageVisibilities) },
      {
        name: "image_bytes_check",
        expression: "disk is not null or kernel is not null or state in ('queued', 'saving', 'importing')",
      },
    ],
    // A name is looked for among the images of all projects.
    indexes: [{ name: "image_called_idx", fields: ["name", "id"] }],
  },
  image_member: {
    checks: [{ name: "image_member_status_check", expression: oneOf("status", memberStatuses) }],
    indexes: [{ name: "image_member_project_idx", fields: ["name", "status", "imageId"] }],
  },
  subnet: { indexes: [referenceIndex("subnet", "networkId")] },
  plug: { indexes: [referenceIndex("plug", "portId"), referenceIndex("plug", "deviceId")] },
  address: { indexes: [referenceIndex("address", "portId")] },
  security_group_rule: { indexes: [referenceIndex("security_group_rule", "remoteGroupId")] },
  security_group_port: { indexes: [referenceIndex("security_group_port", "portId")] },
  router: { indexes: [referenceIndex("router", "externalNetworkId")] },
  router_interface: {
    indexes: ["networkId", "subnetId", "portId"].map((field) => referenceIndex("router_interface", field)),
  },
  floating_ip: { indexes: ["networkId", "portId"].map((field) => referenceIndex("floating_ip", field)) },
  floating_ip_target: {
    indexes: ["floatingId", "interfaceId"].map((field) => referenceIndex("floating_ip_target", field)),
  },
  volume: {
    checks: [
      { name: "volume_size_check", expression: "size_gib >= 1 and epoch >= 0" },
      { name: "volume_place_check", expression: "storage_id is null or host_id is null" },
    ],
    indexes: [
      referenceIndex("volume", "imageId"),
      referenceIndex("volume", "instanceId"),
      referenceIndex("volume", "hostId"),
      referenceIndex("volume", "storageId"),
    ],
  },
  deleted_volume: {
    indexes: [referenceIndex("deleted_volume", "hostId"), referenceIndex("deleted_volume", "storageId")],
  },
  server_group: {
    checks: [{ name: "server_group_max_check", expression: "max_per_host >= 1" }],
    indexes: [{ name: "server_group_project_idx", fields: ["project", "id"] }],
  },
};

/** The list of the tables of resources, which the functions of the database read. */
export const ResourceTableEntity = defineEntity({
  name: "ResourceTable",
  tableName: "novact_resource",
  properties: { name: id().primary(), noun: text() },
});

/** Rows with this name, of this owner. */
const ownNames = ({ owner }: Resource): string[] => [
  ...(owner === "cell" ? [] : ["project"]),
  ...(owner === "user" ? ["user"] : []),
  "name",
];

function tableOf(resource: Resource, { checks = [], indexes = [], later = [] }: Additions = {}) {
  const { table, kept, nameUnique, numbered, unique = [] } = resource;
  const columns = Object.entries(kept).map(
    ([field, schema]) =>
      [field, later.includes(field) ? count().default(0) : columnOf(field, schema)] as const,
  );
  const properties = fieldsOf(ownNames(resource));
  return defineEntity({
    name: resource.one,
    tableName: table,
    properties: { ...Object.fromEntries(columns), version: count().default(1) },
    checks: [...checks],
    uniques: [
      ...(nameUnique ? [{ name: `${table}_name_unique`, properties }] : []),
      ...unique.map((fields) => ({ name: uniqueNameOf(table, fields), properties: fieldsOf(fields) })),
      ...(numbered ? [{ name: `${table}_number_unique`, properties: fieldsOf(["number"]) }] : []),
    ],
    indexes: [
      ...indexes.map(({ name, fields }) => ({ name, properties: fieldsOf(fields) })),
      ...(nameUnique ? [] : [{ name: `${table}_name_idx`, properties }]),
    ],
  });
}

const uniqueNameOf = (table: string, fields: readonly string[]): string =>
  `${[table, ...fields.map(columnNameOf)].join("_")}_unique`;

/** MikroORM types names of fields by the entity, which is known here at run time only. */
const fieldsOf = (names: readonly string[]): never[] => [...names] as never[];

/** As the schema says: whole numbers, texts, flags, and JSON for all else; null where it may be null. */
function columnOf(field: string, schema: TSchema) {
  if (field === "id") return id().primary();
  if (field === "createdAtMs") return timeMs();
  // `user` is a word of SQL.
  if (field === "user") return id().fieldName("user_name");
  const { anyOf } = schema as { readonly anyOf?: readonly TSchema[] };
  const inner = anyOf?.find(({ type }) => type !== "null") ?? schema;
  const column = plainColumn(inner);
  return anyOf === undefined ? column : column.nullable();
}

function plainColumn({ type }: TSchema) {
  switch (type) {
    case "integer":
      return count();
    case "string":
      return text();
    case "boolean":
      return flag();
    default:
      return nested<unknown>();
  }
}

/** By the name of the table. */
export const resourceEntities: ReadonlyMap<string, EntitySchema> = new Map(
  Object.values<Resource>({ ...resources, ...innerResources }).map((one) => [
    one.table,
    tableOf(one, additions[one.table]),
  ]),
);
