/**
 * The network interfaces of each instance. Null in the rows that are there, whose guests have the one that
 * reaches nobody. Breaking: a controller of the version before would write rows without them, and would never
 * let go of their ports.
 */
export const statements = ["alter table instance add column interfaces jsonb"];

export const breaking = true;
