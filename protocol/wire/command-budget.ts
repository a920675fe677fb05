/**
 * What a project's commands may leave behind: each is kept for days, as rows of its request, its operation
 * and its events. A project has so many commands a day, and so many bytes of them; what a day has not used is
 * there at once, up to a day's. It is spent by what was executed, once for each request id, and never by what
 * was refused. Operators have no such limit.
 *
 * For each server process, in memory: a server that begins anew begins with full budgets.
 */
import { admissionLimits } from "../limits/admission.ts";
import { Budgets } from "./budget.ts";
import type { CallContext } from "./service.ts";
import { StatusError } from "./status.ts";
import { adminProject } from "./subjects.ts";

const daySeconds = 24 * 3_600;

type Caller = Pick<CallContext, "project" | "requestId">;

export class CommandBudgets {
  readonly #budgets = new Budgets(
    {
      messagesPerSecond: admissionLimits.projectCommandsPerDayMax / daySeconds,
      messagesBurst: admissionLimits.projectCommandsPerDayMax,
      bytesPerSecond: admissionLimits.projectCommandBytesPerDayMax / daySeconds,
      bytesBurst: admissionLimits.projectCommandBytesPerDayMax,
    },
    admissionLimits.budgetsRememberedMax,
    true,
  );
  /** Request ids that were spent for, the oldest first: a client that waits asks again with the same one. */
  readonly #spent = new Set<string>();

  /** @throws RESOURCE_EXHAUSTED tooManyCommands */
  assertLeft(caller: Caller, nowMs: number): void {
    if (caller.project === adminProject || this.#spent.has(keyOf(caller))) return;
    const leftInMs = this.#budgets.leftInMs(caller.project, nowMs);
    if (leftInMs === 0) return;
    const { projectCommandsPerDayMax: commands } = admissionLimits;
    throw new StatusError(
      "tooManyCommands",
      `A project may give ${commands} commands a day at each controller.`,
      {
        retryAfterMs: Math.max(admissionLimits.refusedRetryAfterMs, leftInMs),
      },
    );
  }

  /** For a command that was executed. @param bytes of its body */
  spend(caller: Caller, { request, bytes }: { request: unknown; bytes: number }, nowMs: number): void {
    const key = keyOf(caller);
    if (caller.project === adminProject || this.#spent.has(key)) return;
    this.#spent.add(key);
    const [oldest] = this.#spent;
    if (this.#spent.size > admissionLimits.commandsRememberedMax && oldest !== undefined)
      this.#spent.delete(oldest);
    const messages = countIn(request);
    this.#budgets.spend(caller.project, { messages, bytes: bytes * messages }, nowMs);
  }
}

const keyOf = ({ project, requestId }: Caller): string => `${project} ${requestId}`;

/** A create of many is as many commands: every method has the same field for it. */
function countIn(request: unknown): number {
  const { count } = request as { readonly count?: unknown };
  return typeof count === "number" && count > 1 ? count : 1;
}
