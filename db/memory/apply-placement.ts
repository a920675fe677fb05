/** The steps of a commit about places: which hosts are in which aggregates, and quotas. */
import { limitsGiven } from "../rows/quota-limits.ts";
import { aggregateHostKey, type Refusal, type Work } from "../rows/tables.ts";
import { storedQuota } from "../rules/quota/memory.ts";
import { unjoinable } from "../rules/reference/memory.ts";

export function applyPlacement(work: Work): Refusal | undefined {
  return moveHosts(work) ?? setQuotas(work);
}

/** A host that shall leave an aggregate is missing when it is not in it. */
function moveHosts({ tables, commit, journal }: Work): Refusal | undefined {
  for (const key of commit.aggregateHostsRemoved ?? [])
    if (!tables.aggregateHosts.delete(aggregateHostKey(key), journal))
      return { kind: "missing", noun: "host", id: key.hostId };
  const refusal = unjoinable(tables, commit);
  if (refusal !== undefined) return refusal;
  for (const key of commit.aggregateHosts ?? [])
    tables.aggregateHosts.put(aggregateHostKey(key), key, journal);
  return undefined;
}

function setQuotas({ tables, commit, journal }: Work): undefined {
  for (const change of commit.quotas ?? []) {
    const quota = storedQuota(tables, change.project);
    const limits = { ...quota.limits, ...limitsGiven(change) };
    tables.quotas.put(change.project, { ...quota, limits }, journal);
  }
}
