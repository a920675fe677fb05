/**
 * What supervisors of a controller did, as events of the project `sys`. It must never fail anybody: when even
 * the event is not written, the log has it.
 */
import type { Commits } from "../../actors/control/request/commits.ts";
import type { SupervisionEvent } from "../../actors/runtime/system.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { systemProject } from "../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";

interface Ports extends Pick<Commits, "commit"> {
  readonly clock: Clock;
  readonly log: Log;
  /** Before the actor's path: in which half of the controller it is. */
  readonly prefix?: string;
}

export async function tellOfSupervision(event: SupervisionEvent, ports: Ports): Promise<void> {
  const { commit, clock, log, prefix = "" } = ports;
  const { kind, incarnation } = event;
  const actor = `${prefix}${event.actor}`;
  const id = actor.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(-fieldLimits.idLengthMax);
  try {
    const body = { actor, incarnation };
    const atMs = clock.nowMs();
    await commit({ events: [{ atMs, project: systemProject, noun: "actor", id, event: kind, body }] });
  } catch (error) {
    log.warn({ error, actor, kind }, "a supervision event was not written");
  }
}
