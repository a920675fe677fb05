/** Hosts on which builds fail, in memory as builds.sql and breaker.sql have it. */
import type { StoredHost, Tables, Work } from "../../rows/tables.ts";

/** Whether this host may be disabled for its failures. */
export function mayBreak({ hosts }: Tables, host: StoredHost, failedBuildsMin: number): boolean {
  const fails = ({ failedBuilds, failedBuildsOf: of }: StoredHost) =>
    failedBuilds >= failedBuildsMin && Math.min(of?.projects.length ?? 0, of?.images.length ?? 0) >= 2;
  if (!host.enabled || !fails(host)) return false;
  const all = [...hosts.values()];
  const broken = all.filter(({ enabled, failedBuilds }) => !enabled && failedBuilds >= failedBuildsMin);
  const left = all.filter(({ id, enabled, lease }) => enabled && id !== host.id && !lease?.fencedBy);
  const going = broken.length + 1;
  return left.length > 0 && going <= Math.max(1, Math.floor((going + left.length) / 3));
}

export function applyBuilds({ tables, commit, journal }: Work): undefined {
  for (const { hostId, failed, project, imageId } of commit.buildsEnded ?? []) {
    const host = tables.hosts.get(hostId);
    if (host === undefined || (!failed && host.failedBuilds === 0)) continue;
    const { failedBuilds, failedBuildsOf: of } = host;
    const failedBuildsOf = failed
      ? { projects: twoOf(of?.projects, project), images: twoOf(of?.images, imageId) }
      : null;
    tables.hosts.put(
      hostId,
      { ...host, failedBuilds: failed ? failedBuilds + 1 : 0, failedBuildsOf },
      journal,
    );
  }
}

const twoOf = (known: readonly string[] = [], one?: string): readonly string[] =>
  [...new Set([...known, one ?? []].flat())].sort().slice(0, 2);
