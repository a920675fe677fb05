/** Reads of a whole store and outcomes of commits, for specs that hold two stores against each other. */

import type { EventPage } from "../../actors/ports/event-reads.ts";
import type { OperationRow } from "../../actors/ports/operation-reads.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { unnumbered } from "./store-rows.ts";
import { toyResources } from "./toy-extension.ts";

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

/** Ranks instead of numbers: of a refused commit one store may leave more of them unused than the other. */
export function ranked<R extends { readonly number?: number }>(rows: readonly R[]) {
  const numbers = rows.map(({ number }) => number ?? 0).sort((left, right) => left - right);
  return rows.map((row) => ({ ...row, number: numbers.indexOf(row.number ?? 0) }));
}

const withoutNumbers = (rows: readonly OperationRow[]) =>
  rows.map(({ operation, ...rest }) => ({ ...rest, operation: unnumbered(operation) }));

/**
 * All rows that reads can show, for comparisons.
 *
 * @param prefix of the names of the run; also its project
 * @param after number of the last event that is not of the run
 */
export async function everything(store: Store, prefix: string, after = 0): Promise<Everything> {
  const all = { limit: 1_000 };
  const { rows: instances } = await store.instances.list({ ...all, deleted: true });
  const loaded = await Promise.all(instances.map(async ({ instance }) => store.instances.load(instance.id)));
  const operations = await store.operations.list(all);
  const backwards = await store.operations.list({ ...all, order: "newest", kinds: ["create"] });
  return {
    loaded: loaded.map((one) => one && { ...one, operation: one.operation && unnumbered(one.operation) }),
    instances,
    unsettled: await store.instances.unsettled(all),
    operations: { ...operations, rows: withoutNumbers(operations.rows) },
    ranks: ranked(operations.rows.map(({ operation }) => operation)).map(({ number }) => number),
    backwards: { ...backwards, rows: withoutNumbers(backwards.rows) },
    matching: await store.instances.list({
      ...all,
      order: "newest",
      namePattern: "*1",
      states: ["building"],
    }),
    hostsAtWork: await store.hosts.atWork(all),
    events: await store.events.list({ ...all, after }),
    resources: await Promise.all(
      [...Object.values<Resource>(resources), ...toyResources].map((one) =>
        store.rows.list<Resource>(one, all),
      ),
    ),
    hosts: ranked(await store.hosts.list(all)),
    totals: await store.hosts.claimTotals(),
    aggregateHosts: [...(await store.aggregates.hosts([`${prefix}-a0`, `${prefix}-a1`]))],
    members: await store.serverGroups.members(`${prefix}-g0`, 1_000),
    groupHosts: await store.serverGroups.hosts(`${prefix}-g0`),
    zones: await store.aggregates.zones(all),
    quota: await store.quotas.get(prefix),
    quotaTotals: (await store.quotas.totals()).filter(({ project }) => project.startsWith(prefix)),
  };
}
