/**
 * Checks a create's wishes beside size and image, and resolves names to ids: an existing zone, a group and
 * instances of the same project, a host that only an operator may name. Refusals name what is wrong; a group
 * or instance of another project is not found (I12).
 */
import { defaultZone } from "../../../protocol/kinds.ts";
import { serverGroup } from "../../../protocol/server-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import { didYouMean } from "../../../protocol/wire/nearest.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { StorePart } from "../../ports/store.ts";
import type { InstanceHints } from "../../records/placement.ts";
import { findHost } from "../directory/find-host.ts";
import { onlyOne } from "../request/rows.ts";

/** The part of a create request about where. */
export interface WhereQuestion {
  readonly count?: number;
  readonly atLeast?: number;
  readonly availabilityZone?: string;
  readonly serverGroup?: string;
  readonly hints?: { readonly sameHost?: readonly string[]; readonly differentHost?: readonly string[] };
  readonly host?: string;
}

export interface Where {
  readonly availabilityZone: string | null;
  readonly serverGroupId: string | null;
  readonly hints: InstanceHints | null;
}

export type WishStore = StorePart<{ rows: "called"; instances: "get"; hosts: "called"; aggregates: "zones" }>;

/**
 * Resolves the wishes; reads nothing when there are none. @throws unknownAvailabilityZone,
 * serverGroupNotFound, ambiguous, instanceNotFound, hostNotFound, hostAmbiguous, adminOnly, schemaMismatch
 */
export async function whereOf(question: WhereQuestion, project: string, store: WishStore): Promise<Where> {
  const { count, atLeast, availabilityZone, serverGroup } = question;
  if (atLeast !== undefined && atLeast > (count ?? 0))
    throw faulty("atLeast", "needs a count, and may not be more than it");
  if (availabilityZone !== undefined) await assertZone(availabilityZone, store);
  const serverGroupId = serverGroup === undefined ? null : await groupId(serverGroup, project, store);
  const hints = await hintsOf(question, project, store);
  return { availabilityZone: availabilityZone ?? null, serverGroupId, hints };
}

async function assertZone(zone: string, store: WishStore): Promise<void> {
  if (zone === defaultZone || (await store.aggregates.zones({ name: zone, limit: 1 })).length > 0) return;
  const known = [defaultZone, ...(await store.aggregates.zones({ limit: zonesComparedMax }))];
  const message = `There is no availability zone ${zone}.${didYouMean(zone, known)}`;
  throw new StatusError("unknownAvailabilityZone", message);
}

/** For a hint; there are hardly ever as many. */
const zonesComparedMax = 100;

async function groupId(key: string, project: string, store: WishStore): Promise<string> {
  const group = onlyOne(serverGroup, key, await store.rows.called(serverGroup, key, { project }));
  if (group === undefined) throw groupNotFound(key);
  return group.id;
}

export function groupNotFound(key: string): StatusError {
  return new StatusError("serverGroupNotFound", `There is no server group ${key}.`);
}

async function hintsOf(
  { hints = {}, host }: WhereQuestion,
  project: string,
  store: WishStore,
): Promise<InstanceHints | null> {
  const { sameHost, differentHost } = hints;
  for (const id of [...(sameHost ?? []), ...(differentHost ?? [])]) await assertInstance(id, project, store);
  const hostId = host === undefined ? undefined : await forcedHost(host, project, store);
  const found: InstanceHints = {
    ...(sameHost === undefined ? {} : { sameHost }),
    ...(differentHost === undefined ? {} : { differentHost }),
    ...(hostId === undefined ? {} : { hostId }),
  };
  return Object.keys(found).length === 0 ? null : found;
}

async function assertInstance(id: string, project: string, store: WishStore): Promise<void> {
  const instance = (await store.instances.get(id))?.instance;
  const own = project === adminProject || instance?.project === project;
  if (instance !== undefined && own && instance.deletedAtMs === null) return;
  throw new StatusError("instanceNotFound", `There is no instance ${id}.`);
}

async function forcedHost(key: string, project: string, store: WishStore): Promise<string> {
  if (project !== adminProject)
    throw new StatusError("adminOnly", "Only an operator, in the project admin, may choose the host.");
  return (await findHost(key, store)).id;
}
