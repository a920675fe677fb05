/** Limits of reads that both stores keep to. They are never configured. */
export const readLimits = {
  /** Events one page looks at when no index serves its filter; about 20 ms of PostgreSQL. */
  eventScanMax: 20_000,
  /** Hosts listed when a name fits several hosts. */
  hostsOfOneNameMax: 10,
  /** Rows of a resource listed when a name fits several. */
  rowsOfOneNameMax: 10,
} as const;
