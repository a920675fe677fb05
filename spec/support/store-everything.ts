/** Reads of a whole store and outcomes of commits, for specs that hold two stores against each other. */

import type { EventPage } from "../../actors/ports/event-reads.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export interface Everything {
  readonly events: EventPage;
  readonly [noun: string]: unknown;
}

/** What the store answers; for what only a bug can ask, the reason of its error. */
export async function resultOf(store: Store, turn: Commit): Promise<CommitResult | string> {
  try {
    return await store.commit(turn);
  } catch (error) {
    if (error instanceof StatusError) return error.reason;
    throw error;
  }
}

/** The same of a rehearsal. */
export async function rehearsalOf(store: Store, turn: Commit): Promise<Rehearsed | string> {
  try {
    return await store.rehearse(turn);
  } catch (error) {
    if (error instanceof StatusError) return error.reason;
    throw error;
  }
}

/**
 * All rows that reads can show, for comparisons.
 *
 * @param prefix of the names of the run; also its project
 * @param after number of the last event that is not of the run
 */
export async function everything(store: Store, prefix: string, after = 0): Promise<Everything> {
  const all = { limit: 1_000 };
  const { rows: instances } = await store.instances.list({ ...all, deleted: true });
  return {
    loaded: await Promise.all(instances.map(async ({ instance }) => store.instances.load(instance.id))),
    instances,
    unsettled: await store.instances.unsettled(all),
    operations: await store.operations.list(all),
    backwards: await store.operations.list({ ...all, order: "newest", kinds: ["create"] }),
    matching: await store.instances.list({
      ...all,
      order: "newest",
      namePattern: "*1",
      states: ["building"],
    }),
    hostsAtWork: await store.hosts.atWork(all),
    events: await store.events.list({ ...all, after }),
    resources: await Promise.all(Object.values(resources).map((one) => store.rows.list<Resource>(one, all))),
    hosts: await store.hosts.list(all),
    totals: await store.hosts.claimTotals(),
    aggregateHosts: [...(await store.aggregates.hosts([`${prefix}-a0`, `${prefix}-a1`]))],
    members: await store.serverGroups.members(`${prefix}-g0`, 1_000),
    groupHosts: await store.serverGroups.hosts(`${prefix}-g0`),
    zones: await store.aggregates.zones(all),
    quota: await store.quotas.get(prefix),
    quotaTotals: (await store.quotas.totals()).filter(({ project }) => project.startsWith(prefix)),
  };
}
