/**
 * What does not work of a host's network, asked of the host at the moment in which somebody looks at it:
 * nobody stores it. A host that does not answer soon has told nothing, and is shown all the same.
 */
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { HostNetworkState } from "../../../protocol/networking.ts";
import type { CallContext, Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { fleetLimits } from "./limits.ts";

export interface NetworkStateOptions {
  readonly directory: Pick<HostDirectory, "alive">;
  readonly hostAgent: (hostId: string) => Pick<Client<typeof hostAgentService>, "networkState">;
}

export async function networkStateOf(
  { id }: Pick<HostRecord, "id">,
  { signal }: Pick<CallContext, "signal">,
  { directory, hostAgent }: NetworkStateOptions,
): Promise<HostNetworkState | undefined> {
  if (!directory.alive(id)) return undefined;
  const call = { timeoutMs: fleetLimits.hostShownPatienceMs, signal };
  try {
    const { networking } = await hostAgent(id).networkState({}, call);
    if (networking === null) return undefined;
    const { failure, failed = [], failedCount = failed.length, unanswered = null } = networking;
    return { failure, failed, failedCount, unanswered };
  } catch (thrown) {
    if (thrown instanceof StatusError) return undefined;
    throw thrown;
  }
}
