/**
 * A host whose reports lie: beside its agent, somebody with the host's rights reports its guests in other
 * states under generations that cannot be, and guests that nobody has made. Only what controllers must not
 * take: of a state under a generation that can be, nobody could know better than the host.
 */
import { reportLimits } from "../../protocol/limits/report.ts";
import { reportSubject } from "../../protocol/wire/subjects.ts";
import { type Cluster, cell } from "./cluster.ts";
import type { Kernel } from "./kernel.ts";
import { SimulatedProcess } from "./process.ts";

const pauseMs = 700;
const inventedAtOnce = 20;
const { observedCountMax, observedStepMax } = reportLimits;
const generations = [2 * observedStepMax, observedCountMax - 1, observedCountMax, Number.MAX_SAFE_INTEGER];
const states = ["gone", "failed", "stopped", "running", "levitating"] as const;

/** Begins the lies of a host; returns the function that ends them. */
export function lie(kernel: Kernel, cluster: Cluster, index: number): (() => void) | undefined {
  const machine = cluster.hosts[index]?.machine;
  if (machine === undefined) return undefined;
  const liar = new SimulatedProcess(kernel, `liar of ${machine.name}`, machine, kernel.nowMs);
  const bus = cluster.network.connect(liar);
  let lies = 0;
  const observation = (instanceId: string, ownerEpoch: number) => {
    lies += 1;
    const generation = generations[lies % generations.length] ?? observedCountMax;
    const state = states[lies % states.length] ?? "gone";
    const sound = { instanceId, ownerEpoch, intentGeneration: 1 + (lies % 3), resetCount: 0, generation };
    const rest = { reason: "requested", message: "It lies.", address: null, startedAtMs: null, atMs: 1 };
    return { ...sound, ...rest, state };
  };
  const speak = (): void => {
    const guests = machine.world.list().map((guest) => observation(guest.instanceId, guest.ownerEpoch));
    const invented = Array.from({ length: inventedAtOnce }, () => observation(`invented-${lies}`, 1));
    // `stopping`: a host that is silent must not count as heard.
    const beat = { complete: false, machines: [...guests, ...invented], stopping: true, leaseEpoch: 0 };
    const body = new TextEncoder().encode(JSON.stringify(beat));
    bus.publish(reportSubject(cell, machine.name, "heartbeat"), { body, headers: {} });
    liar.clock.after(pauseMs, speak);
  };
  kernel.soon(liar, "lies", speak);
  return () => liar.kill();
}
