/** Whether a cluster may be broken on purpose: only where its own configuration says so. */
import type { ClusterConfig } from "../config/config.ts";

/** The cluster's configuration does not allow it. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
}

/** @throws NotAllowed */
export function assertAllowed(config: ClusterConfig): void {
  if (config.chaos.allowed) return;
  throw new NotAllowed(
    `${config.file} does not allow that its cluster is broken on purpose. Where nobody needs it, write\n` +
      "  chaos: { allowed: true }\nand start the cluster again.",
  );
}
