/** Plans in which a guard matters that seeds need too rarely. Pure. */
import type { Plan, PlannedFault } from "./plan.ts";

/** Builds fail while their guest's process is there, and hosts are slow to end it. */
export function panicking(plan: Plan): Plan {
  const faults = plan.commands
    .filter(({ command }) => command === "create")
    .flatMap(({ atMs }, target): readonly PlannedFault[] =>
      [100, 300, 600].map((ms) => ({ atMs: atMs + ms, fault: "guestPanics", target: target + ms, forMs: 0 })),
    );
  const parameters = { ...plan.parameters, startMs: 1_000, driverLatencyMs: 50, hang: 0.05 };
  return { ...plan, parameters, faults: [...plan.faults, ...faults] };
}

/** Builds fail at once, and what was said to their hosts arrives again, much later. */
export function echoing(plan: Plan): Plan {
  const calm = { lost: 0, doubled: 0.3, late: 0.3, hang: 0, latencyMs: 1, driverLatencyMs: 1, startMs: 10 };
  return { ...plan, parameters: { ...plan.parameters, ...calm, refused: 0.4, hostVcpus: 12 } };
}
