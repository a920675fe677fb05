/**
 * The console log of a guest, read at once or as a long poll. No turn waits for a reader: each holds only its
 * own request, and the number of long polls is limited. The log is the guest's own text, passed on untouched.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { CallContext, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { ConsolePage, Consoles } from "../../ports/consoles.ts";
import { actorLimits } from "../../runtime/limits.ts";
import { hostLimits } from "./limits.ts";

type ConsoleRequest = RequestOf<typeof hostAgentService.methods.console>;

export interface ConsoleReader {
  /** @throws UNAVAILABLE consoleUnavailable; RESOURCE_EXHAUSTED mailboxFull */
  read(request: ConsoleRequest, context: Pick<CallContext, "deadlineMs" | "signal">): Promise<ConsolePage>;
  readonly waiting: number;
}

export function createConsoleReader(consoles: Consoles, clock: Clock): ConsoleReader {
  let waiting = 0;
  return {
    get waiting() {
      return waiting;
    },
    async read(request, context) {
      const { instanceId, offset, tailLines, waitMs = 0 } = request;
      const from = {
        ...(offset === undefined ? {} : { offset }),
        ...(tailLines === undefined ? {} : { tailLines }),
      };
      const look = () => consoles.read(instanceId, from);
      const untilMs = Math.min(
        clock.monotonicMs() + Math.min(waitMs, wireLimits.waitMsMax),
        context.deadlineMs - wireLimits.waitMarginMs,
      );
      const first = await look();
      if (!isWorthWaiting(first) || untilMs <= clock.monotonicMs()) return present(first, instanceId);
      if (waiting >= hostLimits.consoleWaitersMax) {
        const message = "Too many callers wait for consoles of this host.";
        throw new StatusError("mailboxFull", message, { retryAfterMs: actorLimits.mailboxRetryAfterMs });
      }
      waiting += 1;
      try {
        return present(await poll({ look, clock, untilMs, signal: context.signal }), instanceId);
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** True when there is nothing to read yet. */
function isWorthWaiting(page: ConsolePage | undefined): boolean {
  return page === undefined || page.nextOffset === page.offset;
}

function present(page: ConsolePage | undefined, instanceId: string): ConsolePage {
  if (page !== undefined) return page;
  throw new StatusError("consoleUnavailable", `The instance ${instanceId} has no console log on its host.`);
}

interface Poll {
  readonly look: () => Promise<ConsolePage | undefined>;
  readonly clock: Clock;
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

async function poll({ look, clock, untilMs, signal }: Poll): Promise<ConsolePage | undefined> {
  for (;;) {
    const leftMs = untilMs - clock.monotonicMs();
    await pause(clock, Math.min(hostLimits.consolePollMs, Math.max(1, leftMs)));
    const page = await look();
    if (!isWorthWaiting(page) || signal.aborted || clock.monotonicMs() >= untilMs) return page;
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
