/** Whether a cluster may be broken on purpose: only where its own configuration allows chaos. */
import type { ClusterConfig } from "../config/config.ts";

/** The cluster's configuration does not allow chaos. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
  readonly code = "PERMISSION_DENIED";
}

/** @throws NotAllowed unless the configuration allows chaos */
export function assertAllowed(config: ClusterConfig): void {
  if (config.chaos.allowed) return;
  throw new NotAllowed(
    `${config.file} does not allow that its cluster is broken on purpose. Where nobody needs it, write\n` +
      "  chaos: { allowed: true }\nand start the cluster again.",
  );
}
