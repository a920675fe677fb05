/** The bus in memory passes the contract of every bus. */
import { busContract } from "../support/bus-contract.ts";
import { createMemoryBus } from "../support/memory-bus.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

for (const latencyMs of [0, 3]) {
  busContract(`in memory, ${latencyMs} ms away`, async () => {
    const clock = new SimulatedClock();
    const bus = createMemoryBus({ clock, latencyMs });
    return { bus, other: bus, passing: (ms) => clock.advance(ms) };
  });
}
