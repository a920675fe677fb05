/**
 * Edits: name, description and metadata of an instance, and its lock. An edit is one commit of the instance's
 * row with one event that says what changed; it ends nothing, begins nothing, and no host hears of it. An
 * edit that changes nothing is remembered all the same, so that its request id is answered alike. Pure.
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import { commitOf, draft, withEvent, withInstance } from "./change.ts";
import { denied, holderOf, lockDenial } from "./lock.ts";
import type { Decision, Edit, EditEvent, Edited } from "./messages.ts";
import { currentMachine, instanceView } from "./state.ts";

interface Change {
  readonly row: Partial<Pick<InstanceRecord, "name" | "description" | "metadata" | "lock">>;
  /** What the event says of it, beside the present name. */
  readonly told: Readonly<Record<string, unknown>>;
}

export function decideEdit(loaded: LoadedInstance, event: EditEvent): Decision {
  const { edit, request, nowMs, host } = event;
  const denial = editDenial(loaded.instance, event);
  if (denial !== undefined) return denied(loaded, denial);
  const { row, told } = changeOf(loaded.instance, event);
  const changed = Object.keys(row).length > 0;
  const body = { command: edit.kind, changed, ...told };
  const edited = withInstance(draft(loaded, nowMs), row);
  const { requestId } = request;
  const { commit, next } = commitOf(withEvent(edited, { event: "changed", body, requestId }));
  const view = instanceView({ instance: next.instance, machine: currentMachine(next) }, host);
  const answer: Edited = { instance: view };
  const kept = { ...request, answer, atMs: nowMs };
  return { outcome: { kind: "accepted" }, next, commit: { ...commit, request: kept }, effects: [] };
}

function editDenial(instance: InstanceRecord, { edit, request }: EditEvent): Denial | undefined {
  const { id, deletedAtMs, lock } = instance;
  if (deletedAtMs !== null) return { reason: "instanceNotFound", message: `Instance ${id} is deleted.` };
  // A project may lift its own lock, and lock again; the operators' lock then stays as it was.
  const mayPass = edit.kind === "lock" || (edit.kind === "unlock" && lock?.by === "project");
  const denial = mayPass ? undefined : lockDenial(instance, request);
  return denial ?? (edit.kind === "set" ? metadataDenial(instance, edit) : undefined);
}

function metadataDenial(instance: InstanceRecord, edit: Extract<Edit, { kind: "set" }>): Denial | undefined {
  const pairs = Object.keys(metadataAfter(instance, edit)).length;
  if (pairs <= fieldLimits.metadataKeysMax) return undefined;
  const message = `Instance ${instance.id} would have ${pairs} pairs of metadata; ${fieldLimits.metadataKeysMax} is the most.`;
  return { reason: "metadataFull", message };
}

function changeOf(instance: InstanceRecord, event: EditEvent): Change {
  const { edit } = event;
  switch (edit.kind) {
    case "set":
      return setChange(instance, edit);
    case "lock":
      return lockChange(instance, event, edit.reason);
    case "unlock":
      return instance.lock === null ? { row: {}, told: {} } : { row: { lock: null }, told: {} };
  }
}

/** The instance's pairs with the changes of this edit. */
function metadataAfter(
  instance: Pick<InstanceRecord, "metadata">,
  { metadata = {} }: Extract<Edit, { kind: "set" }>,
): InstanceRecord["metadata"] {
  const all = Object.entries({ ...instance.metadata, ...metadata });
  return Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== null));
}

function setChange(instance: InstanceRecord, edit: Extract<Edit, { kind: "set" }>): Change {
  const { name = instance.name, description = instance.description, metadata = {} } = edit;
  const present = new Map(Object.entries(instance.metadata));
  const pairs = Object.entries(metadata).filter(([key, value]) => (present.get(key) ?? null) !== value);
  const renamed = name !== instance.name;
  const described = description !== instance.description;
  return {
    row: {
      ...(renamed ? { name } : {}),
      ...(described ? { description } : {}),
      ...(pairs.length > 0 ? { metadata: metadataAfter(instance, edit) } : {}),
    },
    told: {
      ...(renamed ? { formerName: instance.name } : {}),
      ...(described ? { description } : {}),
      ...(pairs.length > 0 ? { metadata: Object.fromEntries(pairs) } : {}),
    },
  };
}

/** Operators take a project's lock over; a project leaves the operators' as it is. */
function lockChange(instance: InstanceRecord, { request, nowMs }: EditEvent, asked?: string): Change {
  const by = holderOf(request);
  const { lock } = instance;
  const kept = lock !== null && lock.by === "operators" && by === "project";
  const reason = asked ?? lock?.reason ?? null;
  const same = kept || (lock !== null && lock.by === by && lock.reason === reason);
  const after = same ? lock : { by, reason, atMs: nowMs };
  const told = { lockedBy: after?.by ?? by, lockedReason: after?.reason ?? null };
  return same ? { row: {}, told } : { row: { lock: after }, told };
}
