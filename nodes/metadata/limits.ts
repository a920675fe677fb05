/** Limits of the metadata service, each for what guests could else make without an end. Never configured. */
export const metadataLimits = {
  /** Of a request, with its header fields; those of cloud-init and curl have some 200. */
  requestBytesMax: 4 * 1024,
  /** From the first packet of a connection to the last byte that the guest has taken. */
  connectionMsMax: 10_000,
  /** Connections of one port at the same time: readers ask for one document after the other. */
  metadataConnectionsPerPortMax: 8,
  /** Of all ports of a host: the port with most of them loses its oldest. */
  metadataConnectionsMax: 256,
} as const;
