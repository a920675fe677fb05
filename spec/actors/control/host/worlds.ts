/** Events for decisions about a host, and a reader of what was decided. */
import { decide } from "../../../../actors/control/host/decide.ts";
import type {
  CommandEvent,
  HostCommand,
  HostDecision,
  HostEvent,
  OnHost,
  Survey,
} from "../../../../actors/control/host/messages.ts";
import type { LoadedHost } from "../../../../actors/records/host.ts";
import type { OperationRecord } from "../../../../actors/records/instance.ts";
import { hostRow } from "../../../support/host-rows.ts";
import * as rows from "../../../support/store-rows.ts";

export const nowMs = rows.wallMs + 1_000;

export function command(asked: HostCommand, changes: Partial<CommandEvent> = {}): CommandEvent {
  return {
    ...{ kind: "command", asked, found: hostRow(), operationId: "new", nowMs },
    request: { project: "admin", requestId: "r", contentHash: "hash" },
    seen: { alive: false, silentMs: 20_000, spaces: undefined },
    ...changes,
  };
}

export const empty: OnHost = { owned: [], leaving: [], deleting: 0 };

export const surveyed = (found: Partial<Survey>, atMs = nowMs): HostEvent => ({
  ...{ kind: "surveyed", operationId: "made", nowMs: atMs },
  survey: { there: empty, rooms: [], obstacles: new Map(), asked: new Set(), ...found },
});

export const look = (atMs = nowMs): HostEvent => ({ kind: "look", nowMs: atMs });

/** What the decision writes of operations: kind, state and the last step's message. */
export const written = ({ commit }: HostDecision): readonly string[] => (commit?.operations ?? []).map(told);

const told = ({ id, state, steps }: OperationRecord): string =>
  [id, state, steps.at(-1)?.message].filter((part) => part !== undefined).join(": ");

export const effectsOf = (loaded: LoadedHost, event: HostEvent): readonly string[] =>
  decide(loaded, event).effects.map(({ kind }) => kind);
