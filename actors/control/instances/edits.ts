/**
 * The methods that change what is remembered of an instance: set, lock, unlock. Each goes to the instance's
 * actor, which alone writes its row, and is done when it is answered.
 */
import type { instanceService } from "../../../protocol/instance.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Edit, Edited } from "../instance/messages.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import { requestFacts } from "../request/content-hash.ts";

type EditHandlers = Pick<Handlers<typeof instanceService>, "set" | "lock" | "unlock">;

/** @throws schemaMismatch when nothing is to be set; the actor's refusals: instanceLocked, metadataFull */
export function editHandlers(registry: InstanceRegistry): EditHandlers {
  const edited = (edit: Edit, request: object, context: CallContext): Promise<Edited> => {
    const facts = requestFacts(`instance.${edit.kind}`, request, context);
    const { id, deadlineMs, signal } = context;
    return registry.ask<Edited>(id, (reply) => ({ kind: "edit", edit, request: facts, reply }), {
      deadlineMs,
      signal,
    });
  };
  return {
    set: async (request, context) => {
      if (Object.keys(request).length === 0)
        throw new StatusError("schemaMismatch", "Nothing is to be set: give name, description or metadata.");
      return edited({ kind: "set", ...request }, request, context);
    },
    lock: (request, context) => edited({ kind: "lock", ...request }, request, context),
    unlock: (request, context) => edited({ kind: "unlock" }, request, context),
  };
}
