/** Limits of reads that both stores keep to. They are never configured. */
export const readLimits = {
  /** Events one page looks at when no index serves its filter; about 20 ms of PostgreSQL. */
  eventScanMax: 20_000,
  /** Rows of a list one page meets when no index serves its filters; about 20 ms of PostgreSQL. */
  listScanMax: 5_000,
  /** How much later an event may have been written than the clock of its writer says. */
  clocksApartMsMax: 300_000,
  /** Hosts listed when a name fits several hosts. */
  hostsOfOneNameMax: 10,
  /** Rows of a resource listed when a name fits several. */
  rowsOfOneNameMax: 10,
} as const;
