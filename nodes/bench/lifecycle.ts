/**
 * lifecycle: create → running → stop → start → delete on the fake hypervisor, at 1, 8 and 32 clients; and
 * creates alone.
 */
import { withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load, type Spread, spread, timed } from "./figures.ts";

const steps = ["create", "stop", "start", "delete"] as const;

export async function lifecycle(rounds = 300): Promise<unknown> {
  return withCluster({ hypervisor: "fake" }, async (cluster) => {
    await prepareCatalog(cluster);
    const { instance } = cluster.demo;
    const request = { name: "bench", flavor: "bench", image: "bench", wait: true };
    const patient = { timeoutMs: 60_000 };
    await load({ count: 200, clients: 4 }, () => instance.create(request, patient));
    const results: Record<string, unknown> = {};
    for (const clients of [1, 8, 32]) {
      const samples: Record<(typeof steps)[number], number[]> = {
        create: [],
        stop: [],
        start: [],
        delete: [],
      };
      const whole = await load({ count: rounds * Math.min(clients, 8), clients }, async () => {
        const created = await timed(() => instance.create(request, patient));
        samples.create.push(created.ms);
        const { id } = created.result.instance;
        for (const step of ["stop", "start", "delete"] as const) {
          samples[step].push((await timed(() => instance[step](id, { wait: true }, patient))).ms);
        }
      });
      const byStep: Record<string, Spread> = {};
      for (const step of steps) byStep[step] = spread(samples[step]);
      results[`clients${clients}`] = {
        lifecyclesPerSecond: whole.perSecond,
        wholeMs: whole.latencyMs,
        stepsMs: byStep,
      };
    }
    const creates = [];
    for (const clients of [1, 8, 32, 64]) {
      const count = clients === 1 ? rounds : rounds * 8;
      creates.push({
        clients,
        count,
        ...(await load({ count, clients }, () => instance.create(request, patient))),
      });
    }
    const target = "at least 500 creates per second; median create → running under 25 ms at one client";
    return { lifecycle: results, createToRunning: creates, memoryPssMib: cluster.memory(), target };
  });
}
