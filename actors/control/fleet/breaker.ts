/**
 * Keeps hosts on which build after build fails from new instances: it disables and says why; only an operator
 * enables again. Builds of one project or of one image alone prove nothing against a host, and where many
 * fail it is not they (decision 0014). What is looked at may be old, and other controllers look as well: the
 * commit judges all of this anew.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { CommitResult, Turn } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";

export interface BreakerOptions {
  readonly commit: (turn: Turn) => Promise<CommitResult>;
  readonly clock: Clock;
  readonly log: Log;
  /** A host was disabled. */
  readonly onDisabled: () => void;
}

/** Never rejects: what cannot be written now is tried again with the next look. */
export async function disableFailing(hosts: readonly HostRecord[], options: BreakerOptions): Promise<void> {
  const { commit, clock, log, onDisabled } = options;
  for (const host of toDisable(hosts)) {
    try {
      const { kind } = await commit(disabling(host, clock.nowMs()));
      if (kind !== "committed") continue;
      log.warn({ host: host.id, failedBuilds: host.failedBuilds }, "a host was disabled: its builds fail");
      onDisabled();
    } catch (error) {
      log.warn({ error, host: host.id }, "a host whose builds fail was not disabled");
    }
  }
}

/** Those that fail the most first, and no more than may be. */
function toDisable(hosts: readonly HostRecord[]): readonly HostRecord[] {
  const failing = hosts
    .filter((host) => host.enabled && isFailing(host))
    .sort((one, other) => other.failedBuilds - one.failedBuilds);
  const broken = hosts.filter(
    ({ enabled, failedBuilds }) => !enabled && failedBuilds >= limits.failedBuildsMax,
  );
  const working = hosts.filter(({ enabled, lease }) => enabled && !lease?.fencedBy);
  const most = Math.max(1, Math.floor((broken.length + working.length) / limits.failingHostsShare));
  return failing.slice(0, Math.max(0, Math.min(most - broken.length, working.length - 1)));
}

function isFailing({ failedBuilds, failedBuildsOf: of }: HostRecord): boolean {
  if (failedBuilds < limits.failedBuildsMax || of === null) return false;
  return Math.min(of.projects.length, of.images.length) > 1;
}

function disabling({ id, name, failedBuilds }: HostRecord, atMs: number): Turn {
  const reason = `${failedBuilds} builds failed on it in a row.`;
  const body = { name, reason, failedBuilds };
  return {
    hostsEnabled: [{ hostId: id, enabled: false, reason, failedBuildsMin: limits.failedBuildsMax }],
    events: [{ noun: "host", id, event: "disabled", body, atMs, project: adminProject }],
  };
}
