/**
 * The power controllers of simulated hosts: told to switch a host off, they take a while, and tell so when it
 * is off. Somebody switches the computer on again later, as who has fenced a host by mistake would.
 */
import type { PowerFence } from "../../actors/ports/power.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

export interface PowerOptions {
  /** The controller's process: what it has asked for is lost with it, the order to the power is not. */
  readonly process: SimulatedProcess;
  readonly random: Random;
  /** Switches the host of this name off, and on again after a while. */
  readonly switchOff: (hostName: string) => void;
}

/** Until the power is off, and until that was seen for long enough. */
const orderMsMax = 4_000;
const settleMs = 1_000;

export function simulatedPower({ process, random, switchOff }: PowerOptions): PowerFence {
  const passed = (ms: number) => new Promise<void>((resolve) => process.clock.after(ms, resolve));
  return {
    has: () => true,
    off: async (hostName) => {
      const beganAtMs = process.clock.monotonicMs();
      await passed(random.between(1, orderMsMax));
      switchOff(hostName);
      await passed(settleMs);
      const tookMs = Math.round(process.clock.monotonicMs() - beganAtMs);
      return { kind: "redfish", at: "simulated", said: "PowerState Off", tookMs };
    },
  };
}
