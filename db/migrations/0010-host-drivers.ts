/**
 * The drivers of a host and what its hypervisor can do, as its agent says it; null until an agent says it.
 * Not breaking: a controller of the version before neither reads nor writes the column.
 */
export const statements = ["alter table host add column drivers jsonb"];
