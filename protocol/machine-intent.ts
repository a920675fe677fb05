/** What a controller wants of a machine, as it tells the machine's host. Schemas only. */
import { type Static, Type } from "@sinclair/typebox";
import { desiredPowers } from "./states.ts";
import { answer, Count, literals } from "./wire/schema.ts";

/** The state that a machine is to reach. The newest generation counts, whatever came before it. */
export const MachineIntent = answer({
  generation: Count,
  power: literals(desiredPowers),
  stop: answer({ mode: literals(["graceful", "hard"]), timeoutMs: Count }),
  /**
   * Resets asked for since the instance was created. When the machine's own count is lower, the machine
   * resets once and takes this count over.
   */
  resetCount: Count,
  resetMode: literals(["soft", "hard"]),
  /**
   * Starts asked for by a user. Each clears the machine's record of crashes: the guest gets its full number
   * of restarts again.
   */
  startCount: Count,
  /**
   * With power `deleted`: the guest goes on on another host. Its disk on shared storage stays, and the guest
   * is shut down as `stop` says while the host holds its host lease.
   */
  keepDisk: Type.Boolean(),
});
export type MachineIntent = Static<typeof MachineIntent>;
