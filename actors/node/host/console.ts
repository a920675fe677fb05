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
import { ConsoleWaits, isWorthWaiting } from "./console-waits.ts";

type ConsoleRequest = RequestOf<typeof hostAgentService.methods.console>;

export interface ConsoleReader {
  /** @throws UNIMPLEMENTED noConsole; UNAVAILABLE consoleUnavailable; RESOURCE_EXHAUSTED tooManyWaits */
  read(request: ConsoleRequest, context: Pick<CallContext, "deadlineMs" | "signal">): Promise<ConsolePage>;
  readonly waiting: number;
}

/** `logged`: false when the host's hypervisor logs no consoles. */
export function createConsoleReader(consoles: Consoles, clock: Clock, logged: boolean): ConsoleReader {
  const waits = new ConsoleWaits(consoles, clock);
  return {
    get waiting() {
      return waits.waiting;
    },
    async read(request, { deadlineMs, signal }) {
      const { instanceId, offset, tailLines, waitMs = 0 } = request;
      if (!logged)
        throw new StatusError("noConsole", "The hypervisor of the instance's host logs no console.");
      const from = {
        ...(offset === undefined ? {} : { offset }),
        ...(tailLines === undefined ? {} : { tailLines }),
      };
      const untilMs = Math.min(
        clock.monotonicMs() + Math.min(waitMs, wireLimits.waitMsMax),
        deadlineMs - wireLimits.waitMarginMs,
      );
      const first = await consoles.read(instanceId, from);
      const waitsOn = isWorthWaiting(first) && !signal.aborted && untilMs > clock.monotonicMs();
      const page = waitsOn ? await waits.more({ instanceId, from, untilMs, signal }, first) : first;
      if (page !== undefined) return page;
      const message = `The instance ${instanceId} has no console log on its host.`;
      throw new StatusError("consoleUnavailable", message);
    },
  };
}
