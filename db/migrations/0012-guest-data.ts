/**
 * What guests are told about themselves: name, key and drive in the row of the instance; the key itself and
 * the user data in a column that only a load reads. Breaking: a controller of the version before would write
 * rows without them, and its guests would not be told.
 */
export const statements = ["alter table instance add column guest jsonb, add column guest_data jsonb"];

export const breaking = true;
