/**
 * The meter of one thread: a counting one where the configuration wants a page for Prometheus, and else the
 * one that does nothing. It also shows what only the process itself can tell: memory, processor time, and how
 * late its event loop is.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { CountingMeter, type Measured } from "../../actors/runtime/counting-meter.ts";
import { type Meter, nullMeter, only } from "../../actors/runtime/meter.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { metricsLimits } from "./limits.ts";

export interface ThreadMeterOptions {
  /** False: nothing is counted. */
  readonly on: boolean;
  readonly log: Log;
  /** True for one thread of each process: it shows what the process as a whole uses. */
  readonly whole: boolean;
}

export interface ThreadMeter {
  readonly meter: Meter;
  measure(): readonly Measured[];
}

export function threadMeter({ on, log, whole }: ThreadMeterOptions): ThreadMeter {
  if (!on) return { meter: nullMeter, measure: () => [] };
  const meter = new CountingMeter(log);
  meterLoop(meter);
  meter.look("novact_heap_bytes", () => only(getHeapStatistics().used_heap_size));
  meter.look("novact_thread_up", () => only(1));
  if (whole) meterProcess(meter);
  return { meter, measure: () => meter.measure() };
}

const nanosecondsPerSecond = 1e9;
const microsecondsPerSecond = 1e6;

function meterLoop(meter: Meter): void {
  const delays = monitorEventLoopDelay({ resolution: metricsLimits.loopLookMs });
  delays.enable();
  meter.look("novact_loop_delay_seconds", () => {
    if (delays.count === 0) return [];
    const { mean, max } = delays;
    const p99 = delays.percentile(99);
    delays.reset();
    // What is recorded is the whole time from one look to the next.
    const lateS = (ns: number) => Math.max(0, ns / nanosecondsPerSecond - metricsLimits.loopLookMs / 1_000);
    return [
      [{ of: "mean" }, lateS(mean)],
      [{ of: "p99" }, lateS(p99)],
      [{ of: "max" }, lateS(max)],
    ];
  });
}

function meterProcess(meter: Meter): void {
  const startedAtS = Date.now() / 1_000 - process.uptime();
  meter.look("process_start_time_seconds", () => only(startedAtS));
  meter.look("process_resident_memory_bytes", () => only(process.memoryUsage.rss()));
  meter.look("process_cpu_seconds_total", () => {
    const { user, system } = process.cpuUsage();
    return only((user + system) / microsecondsPerSecond);
  });
}
