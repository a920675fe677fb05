/** A thread's own meter: what only the process can tell, and that nothing is there when it is off. */
import { expect } from "chai";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { nullMeter } from "../../../actors/runtime/meter.ts";
import { meterBus } from "../../../nodes/metrics/bus.ts";
import { threadMeter } from "../../../nodes/metrics/thread-meter.ts";
import { silentLog } from "../../support/silent-log.ts";

const log = silentLog;

/** The values of a metric, by its labels. */
function valuesOf(measured: ReturnType<ReturnType<typeof threadMeter>["measure"]>, name: string) {
  const found = measured.find((one) => one.name === name)?.series ?? [];
  return new Map(found.map(({ labels, value }) => [labels.join(), value]));
}

describe("the meter of a thread", () => {
  it("is the one that does nothing when it is off", () => {
    const { meter, measure } = threadMeter({ on: false, log, whole: true });
    expect(meter).to.equal(nullMeter);
    expect(measure()).to.deep.equal([]);
  });

  it("shows memory and processor time of the process in one thread, and its own heap in each", () => {
    const [main, other] = [true, false].map((whole) => threadMeter({ on: true, log, whole }).measure());
    for (const measured of [main ?? [], other ?? []]) {
      expect(valuesOf(measured, "novact_heap_bytes").get("")).to.be.greaterThan(1e6);
      expect(valuesOf(measured, "novact_thread_up").get("")).to.equal(1);
    }
    expect(valuesOf(main ?? [], "process_resident_memory_bytes").get("")).to.be.greaterThan(1e7);
    expect(valuesOf(main ?? [], "process_cpu_seconds_total").get("")).to.be.greaterThan(0);
    const startedAtS = valuesOf(main ?? [], "process_start_time_seconds").get("") ?? 0;
    expect(startedAtS).to.be.within(Date.now() / 1_000 - 86_400, Date.now() / 1_000);
    expect((other ?? []).map(({ name }) => name).filter((name) => name.startsWith("process_"))).to.deep.equal(
      [],
    );
  });

  it("shows how late the event loop was, and counts anew from then on", async () => {
    const { measure } = threadMeter({ on: true, log, whole: false });
    const tick = () => new Promise((resolve) => setTimeout(resolve, 1));
    const lateness = async () => {
      // The loop is looked at from time to time only: it is blocked until that was seen.
      for (;;) {
        const untilMs = performance.now() + 150;
        while (performance.now() < untilMs);
        for (let at = 0; at < 3; at += 1) await tick();
        const found = valuesOf(measure(), "novact_loop_delay_seconds");
        if (found.size > 0) return found;
      }
    };
    const found = await lateness();
    expect([...found.keys()]).to.deep.equal(["mean", "p99", "max"]);
    expect(found.get("max")).to.be.greaterThan(0.05);
    expect(valuesOf(measure(), "novact_loop_delay_seconds").size).to.equal(0);
  });
});

describe("the meter of a bus", () => {
  it("shows whether it is connected, and counts each return", () => {
    const meter = new CountingMeter(log);
    const listeners: ((connected: boolean) => void)[] = [];
    const bus = { connected: true, onConnected: (one: (connected: boolean) => void) => listeners.push(one) };
    meterBus(meter, bus);
    const seen = () => [
      meter.valueOf("novact_nats_connected", {}),
      meter.valueOf("novact_nats_reconnects_total", {}),
    ];
    const become = (connected: boolean) => {
      bus.connected = connected;
      for (const listener of listeners) listener(connected);
    };
    expect(seen()).to.deep.equal([1, 0]);
    become(false);
    expect(seen()).to.deep.equal([0, 0]);
    become(true);
    expect(seen()).to.deep.equal([1, 1]);
  });
});
