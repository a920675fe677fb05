/**
 * The agent of a host with QEMU guests, without a bus or a ledger: `volume-agent.ts GIVEN`, in JSON. It is
 * told what to do by messages of its parent, each a question of the host's, and sends back the answers and
 * whatever it would report. It is there to be killed.
 */
import { createHost } from "../../actors/node/host/host.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import { openFakeGuard } from "../../nodes/drivers/fake/guard.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { agentNeeds } from "../../protocol/agent-needs.ts";
import type { MachineIntent, MachineSpec, Observation, VolumeRef } from "../../protocol/machine.ts";
import type { CallContext } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { silentLog } from "./driver-world.ts";
import { inventory } from "./host-world.ts";
import { qemuHost } from "./qemu-host.ts";

export interface VolumeAgent {
  readonly stateDirectory: string;
  readonly imageStore: string;
}

export type AgentQuestion = { readonly number: number } & (
  | { readonly ensure: { readonly spec: MachineSpec; readonly intent: MachineIntent } }
  | { readonly remove: readonly VolumeRef[] }
);

export type AgentWord =
  | { readonly kind: "ready" }
  | { readonly kind: "observed"; readonly observation: Observation }
  | { readonly kind: "answered"; readonly number: number; readonly answer: unknown };

const given: VolumeAgent = JSON.parse(process.argv[2] ?? "");
const say = (word: AgentWord) => process.send?.(word);
const hear = async ({ machines }: { readonly machines: readonly Observation[] }) => {
  for (const observation of machines) say({ kind: "observed", observation });
  return machines.map(({ instanceId }) => instanceId);
};
const clock = systemClock;
const drivers = qemuHost({ ...given, volumesOvercommit: 100 });
const guard = new FakeWorld({ clock });
const host = createHost({
  ...{ system: createActorSystem({ clock, log: silentLog }), inventory, clock, log: silentLog },
  ...{ hypervisor: drivers.hypervisor, disks: drivers.disks, consoles: drivers.consoles },
  ...{ files: drivers.machineFiles, findings: () => drivers.audit(), volumes: drivers.volumes ?? [] },
  ...{ others: [], keepsDisks: true, knows: agentNeeds, guard: () => openFakeGuard(guard), bootsMax: 1 },
  reports: {
    register: async (asked) => {
      await hear(asked);
      return { accepted: true };
    },
    heartbeat: async (asked) => ({ known: true, stored: await hear(asked) }),
    lease: async () => ({ leaseEpoch: 1, held: true }),
    networkPull: async () => Promise.reject(new StatusError("noResponders", "There is no network.")),
    guarded: async () => ({}),
    imageTicket: async () => Promise.reject(new StatusError("noResponders", "There is no controller.")),
  },
});
const questionMsMax = 60_000;

async function answer(question: AgentQuestion): Promise<unknown> {
  const context: CallContext = {
    ...{ project: "admin", id: "", requestId: `question-${question.number}`, traceparent: undefined },
    ...{ deadlineMs: clock.monotonicMs() + questionMsMax, signal: AbortSignal.timeout(questionMsMax) },
    onlyWaits: () => undefined,
  };
  if ("remove" in question)
    return host.handlers.removeVolumes({ storageId: null, volumes: [...question.remove] }, context);
  const request = { ...question.ensure, observedGeneration: 0, leaseEpoch: 0, needs: [] };
  return host.handlers.ensure(request, context);
}

process.on("message", (question: AgentQuestion) => {
  const { number } = question;
  void answer(question).then(
    (said) => say({ kind: "answered", number, answer: said }),
    (error: unknown) => say({ kind: "answered", number, answer: String(error) }),
  );
});
say({ kind: "ready" });
