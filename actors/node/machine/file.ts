/**
 * The machine file: what the host must know after an agent's restart or a crash of the actor. It is written
 * before anything is done by its content, and only when one of its fields changed. Pure: bytes and disks are
 * the MachineFiles port's business.
 */
import { type Static, Type } from "@sinclair/typebox";

import { needsOf, unknownNeeds } from "../../../protocol/agent-needs.ts";
import { generationBase } from "../../../protocol/generation.ts";
import { MachineIntent, MachineSpec } from "../../../protocol/machine.ts";
import { isLossReason, machineReasons } from "../../../protocol/states.ts";
import { answer, Count, Id, literals, nullable, TimeMs } from "../../../protocol/wire/schema.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import type { GuestFacts } from "./messages.ts";
import { conditionOf, isStoppedByFull, type Machine, newMachine, type Rest, restAfter } from "./state.ts";
import { wiredForSure } from "./wiring.ts";

const MachineFile = answer({
  version: Type.Literal(1),
  /**
   * What an agent must know to act on the file (agent-needs.ts): an agent that lacks a need never starts the
   * guest.
   */
  needs: Type.Array(Type.String()),
  spec: MachineSpec,
  intent: MachineIntent,
  /** Epoch of the host lease under which the machine was claimed; 0: no host lease. */
  leaseEpoch: Count,
  /** Number of resets done. */
  resetCount: Count,
  /** The highest generation that may have been published. */
  generationCeiling: Count,
  /**
   * Start time of the process whose power button was pressed: when that process shuts down, it was asked to.
   * The start time names the process, so that nothing has to be written when it is gone.
   */
  shutdownAskedOf: nullable(TimeMs),
  /** Ids of the ports that the host has of it. Absent: not known for sure. */
  wired: Type.Optional(Type.Array(Id)),
  /** Facts about volumes of the process, for the next life. Absent: there are none. */
  volumes: Type.Optional(
    Type.Array(
      answer({
        volumeId: Id,
        epoch: Count,
        /** The size of which its guest was told. */
        toldBytes: Type.Optional(Count),
        /** When the guest was first asked to give it back. */
        askedAtMs: Type.Optional(TimeMs),
      }),
    ),
  ),
  rest: nullable(
    answer({
      generation: Count,
      state: literals(["failed", "stopped"]),
      reason: literals(machineReasons),
      message: Type.String(),
    }),
  ),
});
export type MachineFile = Static<typeof MachineFile>;

export function fileOf(machine: Machine): MachineFile {
  const { spec, intent, leaseEpoch, resetCount, generationCeiling, rest } = machine;
  const shutdownAskedOf = machine.shutdownAsked ? machine.startedAtMs : null;
  const done = { leaseEpoch, resetCount, generationCeiling, rest: rest ?? null, shutdownAskedOf };
  const wired = wiredForSure(machine);
  const noted = machine.notes.length === 0 ? {} : { volumes: [...machine.notes] };
  const known = { ...(wired === undefined ? {} : { wired: [...wired] }), ...noted };
  return { version: 1, needs: needsOf(machine), spec, intent, ...done, ...known };
}

/** Whether the two machines' files differ. */
export function fileDiffers(before: Machine, after: Machine): boolean {
  return (
    before.spec !== after.spec ||
    before.intent !== after.intent ||
    before.leaseEpoch !== after.leaseEpoch ||
    before.resetCount !== after.resetCount ||
    before.generationCeiling !== after.generationCeiling ||
    before.rest !== after.rest ||
    before.notes !== after.notes ||
    wiredForSure(before) !== wiredForSure(after) ||
    (after.shutdownAsked && !before.shutdownAsked)
  );
}

const TombstoneFile = answer({
  version: Type.Literal(1),
  tombstone: answer({ instanceId: Id, ownerEpoch: Count, generation: Count, atMs: TimeMs }),
});
export type Tombstone = Omit<Static<typeof TombstoneFile>["tombstone"], "instanceId">;

/**
 * The tombstone that replaces the file of a machine that is gone: an older message must not bring the machine
 * back, even after a restart of the agent.
 */
export function tombstoneFileOf({ spec, intent }: Machine, atMs: number): Static<typeof TombstoneFile> {
  const { instanceId, ownerEpoch } = spec;
  return { version: 1, tombstone: { instanceId, ownerEpoch, generation: intent.generation, atMs } };
}

export function parseTombstone(instanceId: string, content: unknown): Tombstone | undefined {
  if (!validatorOf(TombstoneFile).accepts(content)) return undefined;
  const { instanceId: named, ...tombstone } = content.tombstone;
  return named === instanceId ? tombstone : undefined;
}

/**
 * The file's content; undefined when it is not one of ours, or was written by an agent that knows what this
 * one does not.
 */
export function parseFile(
  instanceId: string,
  content: unknown,
  known: readonly string[],
): MachineFile | undefined {
  if (!validatorOf(MachineFile).accepts(content)) return undefined;
  if (unknownNeeds(content.needs, known).length > 0) return undefined;
  return content.spec.instanceId === instanceId ? content : undefined;
}

/** What this agent would have to know to act on the file; empty when it is no file of a machine. */
export const needsBeyond = (content: unknown, known: readonly string[]): readonly string[] =>
  validatorOf(MachineFile).accepts(content) ? unknownNeeds(content.needs, known) : [];

/**
 * The machine as its file and the living process show it. A guest that should run and does not rests as
 * `stopped/processLost`: the event `begin` starts it again. A living guest of the same owner epoch is left
 * untouched.
 */
export function revive(file: MachineFile, guest: GuestFacts | undefined): Machine {
  const { spec, intent, leaseEpoch, resetCount, wired, volumes: notes = [] } = file;
  const generation = generationBase(file.generationCeiling);
  const fresh = newMachine({ spec, intent, resetCount, generation });
  const base = { ...fresh, leaseEpoch, wired, notes, revived: true };
  if (guest === undefined) {
    const condition = intent.power === "deleted" ? "unknown" : "none";
    return { ...base, guest: condition, rest: restAfterAbsence(file) };
  }
  const kept = file.rest === null || isPassing(file.rest) ? undefined : file.rest;
  if (guest.ownerEpoch !== spec.ownerEpoch) return { ...base, guest: "unknown", rest: kept };
  const shutdownAsked = file.shutdownAskedOf === guest.startedAtMs;
  const asked = resetCount < intent.resetCount || (shutdownAsked && guest.status === "shutdown");
  const rest = kept ?? (asked ? undefined : restAfter(guest.status, intent));
  const [condition, isFull, { startedAtMs }] = [conditionOf(guest), isStoppedByFull(guest), guest];
  return { ...base, shutdownAsked, guest: condition, isFull, startedAtMs, rest };
}

/** True for a rest that ends when the agent starts again. */
export function isPassing(rest: Rest): boolean {
  return rest.reason === "hostShutdown" || isLossReason(rest.reason);
}

function restAfterAbsence({ intent, rest }: MachineFile): Rest | undefined {
  if (rest !== null && rest.generation === intent.generation) return rest;
  if (intent.power !== "running" && intent.power !== "paused") return undefined;
  return { generation: intent.generation, state: "stopped", reason: "processLost", message: "" };
}
