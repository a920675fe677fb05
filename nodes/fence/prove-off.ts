/**
 * Decides when a host counts as off: when its power controller (BMC) reports it as off, and goes on doing so
 * for settleMs. An accepted order, a power controller that does not answer, and one that reports off and then
 * on again prove nothing, and are errors.
 *
 *   read ── on ──► order ──► read … until off ──► read … for settleMs ──► proof
 *     └──── off ────────────────────────────────────┘
 *
 * One moment without power ends every guest on the host; settleMs is for power controllers that report off in
 * the middle of a reset, or too early.
 */
import type { PowerProof } from "../../actors/ports/power.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { delay, throwIfAborted, within } from "../drivers/waiting.ts";
import type { ControlOptions, PowerControl, PowerReading } from "./control.ts";

type ProveOptions = Pick<ControlOptions, "hostName" | "clock" | "timing">;

/** Switches the host off and proves it. @throws AbortError; StatusError as PowerFence.off says */
export async function proveOff(
  control: PowerControl,
  options: ProveOptions,
  signal: AbortSignal,
): Promise<PowerProof> {
  const { clock, timing, hostName } = options;
  throwIfAborted(signal);
  const startedAtMs = clock.monotonicMs();
  const work = new AbortController();
  const heard: { last?: PowerReading } = {};
  const listening: PowerControl["read"] = async (until) => {
    heard.last = await control.read(until);
    return heard.last;
  };
  try {
    const { said } = await within(switchedOff(control, listening, options, work.signal), {
      clock,
      signal,
      timeoutMs: timing.offTimeoutMs,
      late: () => tooLate(hostName, heard.last),
    });
    const tookMs = Math.round(clock.monotonicMs() - startedAtMs);
    return { kind: control.kind, at: control.at, said, tookMs };
  } finally {
    work.abort();
    await control.close();
  }
}

async function switchedOff(
  control: PowerControl,
  read: PowerControl["read"],
  { hostName, clock, timing }: ProveOptions,
  signal: AbortSignal,
): Promise<PowerReading> {
  const readAgain = async (): Promise<PowerReading> => {
    await delay(clock, timing.pollMs, signal);
    throwIfAborted(signal);
    return read(signal);
  };
  let reading = await read(signal);
  if (!reading.off) await control.switchOff(signal);
  while (!reading.off) reading = await readAgain();
  const offSinceMs = clock.monotonicMs();
  while (clock.monotonicMs() - offSinceMs < timing.settleMs) {
    reading = await readAgain();
    if (!reading.off) throw onAgain(hostName, reading);
  }
  return reading;
}

function tooLate(hostName: string, last: PowerReading | undefined): StatusError {
  if (last === undefined) {
    return new StatusError("powerControlFailed", `The power controller of ${hostName} does not answer.`);
  }
  const message = `The power controller of ${hostName} did not say in time that it is off; last: ${last.said}.`;
  return new StatusError("powerNotOff", message);
}

function onAgain(hostName: string, { said }: PowerReading): StatusError {
  const message = `The power controller of ${hostName} said that it is off, and then something else: ${said}.`;
  return new StatusError("powerNotOff", message);
}
