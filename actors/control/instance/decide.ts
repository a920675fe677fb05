/**
 * The life of an instance: `decide(loaded, event)` says what the intent becomes, what to write, what to
 * answer and what to tell the hosts. One function for each kind of event; the diagram of states is in
 * protocol/states.ts.
 *
 * It never throws for what a user, a host or a guest can cause, and never looks at a clock: times come with
 * the event.
 */
import type { LoadedInstance, OperationRecord } from "../../records/instance.ts";
import { acceptance, requestOf } from "./accepted.ts";
import { admit, operationKindOf } from "./admission.ts";
import {
  beginOperation,
  commitOf,
  draft,
  endOperation,
  endWhatIsReached,
  withEvent,
  withInstance,
} from "./change.ts";
import { cancelledBy, changeOfIntent, newOperation } from "./command.ts";
import { decideEdit } from "./edit.ts";
import { denied, lockDenial } from "./lock.ts";
import type { CommandEvent, Decision, InstanceEvent } from "./messages.ts";
import { decideMove } from "./move.ts";
import { decideObserved, decideRefused } from "./observed.ts";
import { decidePlaced, decideReconcile } from "./reconcile.ts";
import { decideRecover, evacuationDenied, freed } from "./recover.ts";
import { decideRevolume } from "./revolume.ts";
import { decideRewire } from "./rewire.ts";
import { stateOf, workEffects } from "./state.ts";

export function decide(loaded: LoadedInstance, event: InstanceEvent): Decision {
  switch (event.kind) {
    case "command":
      return decideCommand(loaded, event);
    case "edit":
      return decideEdit(loaded, event);
    case "rewire":
      return decideRewire(loaded, event);
    case "revolume":
      return decideRevolume(loaded, event);
    case "observed":
      return decideObserved(loaded, event);
    case "reconcile":
      return decideReconcile(loaded, event);
    case "placed":
      return decidePlaced(loaded, event);
    case "refused":
      return decideRefused(loaded, event);
    case "recover":
      return decideRecover(loaded, event);
    case "move":
      return decideMove(loaded, event);
  }
}

function decideCommand(loaded: LoadedInstance, event: CommandEvent): Decision {
  const state = stateOf(loaded, event.host?.alive ?? true);
  const locked = lockDenial(loaded.instance, event.request);
  if (locked !== undefined) return denied(loaded, locked);
  const cell = admit(state, event.command);
  switch (cell.kind) {
    case "deny": {
      const message = `Cannot ${operationKindOf[event.command]} instance ${loaded.instance.id}: it is ${state}.`;
      return denied(loaded, { reason: cell.reason, message, details: { state } });
    }
    case "ignore":
      return acceptUnchanged(loaded, event);
    case "go": {
      const denial = event.command === "evacuate" ? evacuationDenied(loaded, event) : undefined;
      return denial === undefined ? accept(loaded, event) : denied(loaded, denial);
    }
  }
}

/**
 * Accepts a command that changes nothing, because its goal is reached or on the way. It is remembered all the
 * same, with the operation under way, or with one that is done at once.
 */
function acceptUnchanged(loaded: LoadedInstance, event: CommandEvent): Decision {
  const operation = loaded.operation ?? doneAtOnce(loaded, event);
  const { commit, next } = commitOf(
    withEvent(draft(loaded, event.nowMs), acceptance(event, { changed: false })),
  );
  const request = requestOf(event, next, operation);
  const operations = operation === loaded.operation ? [] : [operation];
  return { outcome: { kind: "accepted" }, next, commit: { ...commit, request, operations }, effects: [] };
}

function doneAtOnce(loaded: LoadedInstance, event: CommandEvent): OperationRecord {
  const begun = newOperation(loaded.instance, event);
  const steps = [...begun.steps, { step: "unchanged", atMs: event.nowMs }];
  return { ...begun, state: "done", percent: 100, step: "unchanged", steps, endedAtMs: event.nowMs };
}

function accept(loaded: LoadedInstance, event: CommandEvent): Decision {
  const cancelled = endOperation(draft(loaded, event.nowMs), "cancelled", cancelledBy(event));
  const changed = withInstance(cancelled, changeOfIntent(loaded.instance, event));
  const begun = beginOperation(changed, newOperation(changed.after.instance, event));
  const { generation } = begun.after.instance;
  const told = withEvent(begun, acceptance(event, { changed: true, generation }));
  const ended = endWhatIsReached(event.command === "evacuate" ? freed(told, event) : told);
  const { commit, next } = commitOf(ended);
  const operation = next.operation ?? ended.ended.at(-1);
  if (operation === undefined) throw new Error("An accepted command has an operation.");
  return {
    outcome: { kind: "accepted" },
    next,
    commit: { ...commit, request: requestOf(event, next, operation) },
    effects: workEffects(next),
  };
}
