/**
 * What a host's actor does about each event. A host that nothing is asked of, and that is neither drained nor
 * being fenced, has no actor in memory. Pure.
 *
 *               drain                     nothing is left                enable
 *   enabled ──────────────▶ draining ────────────────────▶ disabled ────────────▶ enabled
 *      ▲ │                   │     │   what is left stays      ▲ │
 *      │ └───── disable ─────┼─────┴───────────────────────────┘ │
 *      └────── enable ───────┴───────────────────────────────────┘
 *
 * A fence ends a drain; so does a removal. Here is also the place of the queue of the guests that move by
 * themselves while they run, once there is one: which of them goes next, and how many at once, is the host's
 * to say (inTurn in drain.ts, and the host's parallelism); how one of them goes is its instance's.
 */
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { LoadedHost } from "../../records/host.ts";
import { changed, unchanged, underWay } from "./change.ts";
import { cancelledBy, decideDrain, decideRemove, decideSwitch } from "./command.ts";
import { decideSurveyed, failed } from "./drain.ts";
import { decideFence, decideFenceLeft, decidePowered, fencedMeanwhile } from "./fence.ts";
import { hostLimits } from "./limits.ts";
import type { CommandEvent, HostDecision, HostEvent } from "./messages.ts";

export function decide(loaded: LoadedHost, event: HostEvent): HostDecision {
  switch (event.kind) {
    case "command":
      return decideCommand(loaded, event);
    case "look":
      return decideLook(loaded, event.nowMs);
    case "surveyed":
      return decideSurveyed(loaded, event);
    case "powered":
      return decidePowered(loaded, event);
  }
}

function decideCommand(loaded: LoadedHost, event: CommandEvent): HostDecision {
  const { asked } = event;
  switch (asked.command) {
    case "enable":
    case "disable":
      return decideSwitch(loaded, asked, event);
    case "drain":
      return decideDrain(loaded, asked, event);
    case "fence":
      return decideFence(loaded, asked, event);
    case "remove":
      return decideRemove(loaded, event);
  }
}

/** Goes on with what is under way, whoever began it, and ends what makes no sense any more. */
function decideLook(loaded: LoadedHost, nowMs: number): HostDecision {
  const fence = underWay(loaded, "fence");
  const left = fence && decideFenceLeft(loaded, fence, nowMs);
  if (left !== undefined) return left;
  const { host } = loaded;
  const drain = underWay(loaded, "drain");
  if (host.draining === null) {
    // A controller from before there were operations has enabled it.
    if (drain === undefined) return unchanged(loaded);
    return changed(loaded, { operations: [cancelledBy(drain, "The host was enabled again.", nowMs)] });
  }
  if (host.lease?.fencedBy) {
    const operations = drain === undefined ? [] : [fencedMeanwhile(drain, host, nowMs)];
    return changed(loaded, { own: { draining: null }, operations, effects: [{ kind: "tellOfHosts" }] });
  }
  if (drain !== undefined && nowMs > drain.deadlineAtMs + hostLimits.drainPatienceMs) {
    const message = `What is on ${host.name} could not be looked at for a long time.`;
    return failed(loaded, drain, errorBodyOf({ reason: "operationTimeout", message }), nowMs);
  }
  return unchanged(loaded, [{ kind: "survey", host }]);
}
