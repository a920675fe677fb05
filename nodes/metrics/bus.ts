/** Shows whether a process is connected to NATS, and counts how often a lost connection came back. */
import type { Meter } from "../../actors/runtime/meter.ts";

export interface MeteredBus {
  readonly connected: boolean;
  onConnected(listener: (connected: boolean) => void): void;
}

export function meterBus(meter: Meter, bus: MeteredBus): void {
  meter.zero("novact_nats_reconnects_total");
  meter.look("novact_nats_connected", () => [[{}, Number(bus.connected)]]);
  bus.onConnected((connected) => {
    if (connected) meter.count("novact_nats_reconnects_total", {});
  });
}
