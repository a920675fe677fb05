/** Waits for values and for refusals; for specs of a cluster from outside. */
import { systemClock } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/** The refusal of an attempt. @throws any other error, or an Error when nothing failed */
export async function refused(attempt: Promise<unknown>): Promise<StatusError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

/** Reads again until the value is as expected; `timesMax` times at most, with 25 ms between. */
export async function until<T>(
  read: () => Promise<T>,
  so: (value: T) => boolean,
  timesMax = 400,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const value = await read();
    if (so(value)) return value;
    if (attempt > timesMax) throw new Error(`It never came: ${JSON.stringify(value)}`);
    await new Promise<void>((resolve) => systemClock.after(25, resolve));
  }
}
