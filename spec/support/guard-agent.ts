/**
 * An agent that only holds a deadline, for specs that kill or stop it: opens the guard of a directory and
 * extends the deadline as long as the agent lives. Arguments: the guard's directory, the guests' directory,
 * the time to live in ms.
 */

import { openGuard } from "../../nodes/drivers/qemu/guard-client.ts";
import { systemClock } from "../../nodes/process/clock.ts";

const [directory = "", guests = "", leaseMs = "1000"] = process.argv.slice(2);
const guard = await openGuard({ directory, guests, clock: systemClock });
for (;;) {
  const deadlineMs = systemClock.monotonicMs() + Number(leaseMs);
  // Of the same moment: what is said is the guard's own deadline, however long the guard takes to answer.
  const saidMs = Date.now() + Number(leaseMs);
  await guard.extend(deadlineMs);
  process.stdout.write(`${saidMs}\n`);
  await new Promise((resolve) => setTimeout(resolve, Number(leaseMs) / 4));
}
