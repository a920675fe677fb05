/**
 * The power controllers of simulated hosts: told to switch a host off, they take a while, and tell so when it
 * is off. Somebody switches the computer on again later, as who has fenced a host by mistake would.
 */
import type { PowerFence } from "../../actors/ports/power.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

export interface PowerOptions {
  /** The controller's process: what it has asked for is lost with it, the order to the power is not. */
  readonly process: SimulatedProcess;
  readonly random: Random;
  /** Switches the host of this name off, and on again after a while. */
  readonly switchOff: (hostName: string) => void;
  /** Whether nobody has switched it on meanwhile. */
  readonly isOff: (hostName: string) => boolean;
}

/** Until the power is off, and until that was seen for long enough. */
const orderMsMax = 4_000;
const settleMs = 1_000;

export function simulatedPower({ process, random, switchOff, isOff }: PowerOptions): PowerFence {
  const passed = (ms: number) => new Promise<void>((resolve) => process.clock.after(ms, resolve));
  return {
    has: () => true,
    off: async (hostName) => {
      const beganAtMs = process.clock.monotonicMs();
      await passed(random.between(1, orderMsMax));
      switchOff(hostName);
      await passed(settleMs);
      if (!isOff(hostName)) throw new StatusError("powerNotOff", `${hostName} is on again.`);
      const tookMs = Math.round(process.clock.monotonicMs() - beganAtMs);
      return { kind: "redfish", at: "simulated", said: "PowerState Off", tookMs };
    },
  };
}
