/** The agents of the hosts as a controller asks them: one client a host, made when it is first needed. */
import { NetworkingNews } from "../../actors/control/networking/news.ts";
import type { Store } from "../../actors/ports/store.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { hostAgentService } from "../../protocol/machine.ts";
import { hostBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import type { Client } from "../../protocol/wire/service.ts";
import type { Bus, Clock, Ids } from "../../protocol/wire/transport.ts";

export interface HostAgentPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly cell: string;
}

export type HostAgents = (hostId: string) => Client<typeof hostAgentService>;

export function hostAgents({ bus, clock, ids, cell }: HostAgentPorts): HostAgents {
  const clients = new Map<string, Client<typeof hostAgentService>>();
  return (hostId) => {
    const known = clients.get(hostId);
    if (known !== undefined) return known;
    const client = createClient(hostAgentService, { bus, clock, ids, binding: hostBinding(cell, hostId) });
    clients.set(hostId, client);
    return client;
  };
}

/** What a controller says to hosts about networks. */
export function networkingNews(
  { store, clock }: Pick<HostAgentPorts, "clock"> & { readonly store: Pick<Store, "networking"> },
  hostAgent: HostAgents,
): NetworkingNews {
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  return new NetworkingNews({
    store,
    clock,
    tell: (hostId) => hostAgent(hostId).networkChanged({}, { timeoutMs }),
  });
}
