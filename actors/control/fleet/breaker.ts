/**
 * The breaker keeps new instances from hosts on which build after build fails: it disables the host and says
 * why; only an operator enables it again. Builds of one project or of one image alone prove nothing against a
 * host, and where many hosts fail the fault is not theirs (decision 0014). The hosts read here may be old,
 * and other controllers look as well: the commit judges all of this anew. It looks once for each read of the
 * hosts (actors/control/directory/read-loop.ts).
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { ReadLoop } from "../directory/read-loop.ts";
import { fleetLimits } from "./limits.ts";

export interface BreakerOptions {
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a host was disabled. */
  readonly onDisabled: () => void;
}

/** The breaker as a loop: give it each read of the hosts. */
export function breaker(system: Pick<ActorSystem, "spawn" | "clock">, options: BreakerOptions): ReadLoop {
  const { breakerRoundMsMax: roundMsMax } = fleetLimits;
  return new ReadLoop(system, {
    ...{ name: "breaker", roundMsMax },
    judge: ({ hosts }, round) => disableFailing(hosts, options, round),
  });
}

/** Disables failing hosts. Never rejects: a commit that fails is tried again with the next look. */
export async function disableFailing(
  hosts: readonly HostRecord[],
  options: BreakerOptions,
  { signal, fail, did }: Round,
): Promise<void> {
  const { commit, clock, log, onDisabled } = options;
  for (const host of toDisable(hosts)) {
    if (signal.aborted) return;
    try {
      const { kind } = await commit(disabling(host, clock.nowMs()));
      if (kind !== "committed") continue;
      log.warn({ host: host.id, failedBuilds: host.failedBuilds }, "a host was disabled: its builds fail");
      did(`${host.name} disabled`);
      onDisabled();
    } catch (error) {
      log.warn({ error, host: host.id }, "a host whose builds fail was not disabled");
      fail();
    }
  }
}

/** The hosts to disable: most failures first, and no more than may be disabled. */
function toDisable(hosts: readonly HostRecord[]): readonly HostRecord[] {
  const failing = hosts
    .filter((host) => host.enabled && isFailing(host))
    .sort((one, other) => other.failedBuilds - one.failedBuilds);
  const broken = hosts.filter(
    ({ enabled, failedBuilds }) => !enabled && failedBuilds >= placementLimits.failedBuildsMax,
  );
  const working = hosts.filter(({ enabled, lease }) => enabled && !lease?.fencedBy);
  const most = Math.max(1, Math.floor((broken.length + working.length) / fleetLimits.failingHostsShare));
  return failing.slice(0, Math.max(0, Math.min(most - broken.length, working.length - 1)));
}

function isFailing({ failedBuilds, failedBuildsOf: of }: HostRecord): boolean {
  if (failedBuilds < placementLimits.failedBuildsMax || of === null) return false;
  return Math.min(of.projects.length, of.images.length) > 1;
}

function disabling({ id, name, failedBuilds }: HostRecord, atMs: number): Commit {
  const reason = `${failedBuilds} builds failed on it in a row.`;
  const body = { name, reason, failedBuilds };
  return {
    hostsEnabled: [{ hostId: id, enabled: false, reason, failedBuildsMin: placementLimits.failedBuildsMax }],
    events: [{ noun: "host", id, event: "disabled", body, atMs, project: adminProject }],
  };
}
