/**
 * Descriptions and locks of instances. Breaking: a controller that does not know them would delete what is
 * locked, and would write rows without either.
 */
export const statements = [
  `alter table instance add column description text collate "C", add column lock jsonb`,
];
