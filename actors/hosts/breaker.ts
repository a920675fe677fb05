/**
 * Keeps hosts on which build after build fails from new instances: a host that fails at once looks empty, and
 * would draw every create to itself. It disables and says why; only an operator enables again. What is looked
 * at may be old, and other controllers look as well: the commit judges by the host's own count.
 */
import { limits } from "../../protocol/limits.ts";
import { adminProject } from "../../protocol/subjects.ts";
import type { Clock, Log } from "../runtime/ports.ts";
import type { CommitResult, HostRecord, Turn } from "../runtime/records.ts";

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
  const failing = hosts.filter(
    ({ enabled, failedBuilds }) => enabled && failedBuilds >= limits.failedBuildsMax,
  );
  for (const host of failing) {
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

function disabling({ id, name, failedBuilds }: HostRecord, atMs: number): Turn {
  const reason = `${failedBuilds} builds failed on it in a row.`;
  const body = { name, reason, failedBuilds };
  return {
    hostsEnabled: [{ hostId: id, enabled: false, reason, failedBuildsMin: limits.failedBuildsMax }],
    events: [{ noun: "host", id, event: "disabled", body, atMs, project: adminProject }],
  };
}
