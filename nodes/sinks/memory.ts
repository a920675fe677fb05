/**
 * How far a sink has got and which controller brings it events, in a file of the state directory, written
 * after each delivery: whoever brings events next goes on there. Where the file is missing or damaged the
 * sink gets everything that is kept, some of it again. It must never say that a sink has what the sink has
 * not.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { writeStateFile } from "../process/state-file.ts";
import { sinkLimits } from "./limits.ts";

const SinkMemory = Type.Object({
  /** Everything up to this number is at the sink, but for what was missed. */
  sequence: Type.Integer({ minimum: 0 }),
  /** Since when deliveries fail. Absent: the last one has succeeded. */
  failingSinceMs: Type.Optional(Type.Integer()),
  why: Type.Optional(Type.String()),
  /** Events that were gone before the sink could get them, added up for a day, and when the last were. */
  missed: Type.Optional(Type.Object({ events: Type.Integer(), atMs: Type.Integer() })),
  /** Name of the controller that brings events, and until when no other one does. Absent: whoever comes. */
  holder: Type.Optional(Type.String()),
  heldUntilMs: Type.Optional(Type.Integer()),
});
export type SinkMemory = Static<typeof SinkMemory>;

/** Where all controllers of a computer keep the memories of sinks, by the sinks' names. */
export interface SinkMemories {
  of(name: string): SinkMemory;
  /** @throws Error when it cannot be kept; what was kept before is still there */
  keep(name: string, memory: SinkMemory): void;
}

export const memoriesIn = (directory: string): SinkMemories => ({
  of: (name) => rememberedOf(directory, name),
  keep: (name, memory) => remember(directory, name, memory),
});

/**
 * Whether another controller brings the sink its events. A time far in the future was written by a wall clock
 * that was wrong, and is not believed.
 */
export function isHeldByAnother(
  { holder, heldUntilMs = 0 }: SinkMemory,
  own: string,
  nowMs: number,
): boolean {
  return holder !== undefined && holder !== own && heldUntilMs > nowMs && heldUntilMs <= nowMs + heldMsMax;
}

/** The longest time for which a sink is ever held: a delivery or a pause, and the rest of a round. */
const heldMsMax = Math.max(sinkLimits.deliverMsMax, sinkLimits.backoffMsMax) + sinkLimits.heldAfterMs;

const nothing: SinkMemory = { sequence: 0 };

export function rememberedOf(directory: string, name: string): SinkMemory {
  try {
    const found: unknown = JSON.parse(readFileSync(pathOf(directory, name), "utf8"));
    return validatorOf(SinkMemory).accepts(found) ? found : nothing;
  } catch {
    // Not there yet, or damaged: the sink gets all events again, and none is lost.
    return nothing;
  }
}

/** @throws Error when it cannot be written; what was written before is still there */
function remember(directory: string, name: string, memory: SinkMemory): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeStateFile(pathOf(directory, name), `${JSON.stringify(memory)}\n`);
}

const pathOf = (directory: string, name: string): string => join(directory, `${name}.json`);
