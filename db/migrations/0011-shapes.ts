/**
 * The shape of each instance's machine. Null in the rows that are there: what was built keeps the devices
 * that it had before there were shapes. Breaking: a controller of the version before would write rows
 * without it, and would start a guest elsewhere on other hardware.
 */
export const statements = ["alter table instance add column shape jsonb"];

export const breaking = true;
