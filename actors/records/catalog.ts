/** The rows of resources that other records are made of, and what is read with them. Types only. */
import type { aggregate } from "../../protocol/aggregate.ts";
import type { flavor } from "../../protocol/flavor.ts";
import type { image } from "../../protocol/image.ts";
import type { serverGroup } from "../../protocol/server-group.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";

export type FlavorRecord = RowOf<typeof flavor>;
export type ImageRecord = RowOf<typeof image>;
/** A set of hosts that operators made. A host is in one availability zone at most. */
export type AggregateRecord = RowOf<typeof aggregate>;
export type ServerGroupRecord = RowOf<typeof serverGroup>;
