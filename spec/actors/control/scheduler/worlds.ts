/** Small worlds for the scheduler's specs: hosts, requests and replies as plain values. */

import { decide } from "../../../../actors/control/scheduler/decide.ts";
import type {
  PlacementRequest,
  Ranking,
  SchedulerMessage,
} from "../../../../actors/control/scheduler/messages.ts";
import { createScheduler } from "../../../../actors/control/scheduler/schedule.ts";
import {
  emptyState,
  type HostExtras,
  type SchedulerState,
} from "../../../../actors/control/scheduler/state.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import type { Reply } from "../../../../actors/runtime/system.ts";

export const scheduler = createScheduler();
export const wallMs = 1_000_000;

/** A host's record as the store has it, with the optional fields. */
export type WorldHost = HostRecord & Partial<HostExtras>;

export const host = (id: string, changes: Partial<WorldHost> = {}): WorldHost => ({
  id,
  name: `name-${id}`,
  bootId: "boot",
  architecture: "x86_64",
  hypervisor: "qemu",
  accelerator: "tcg",
  acceleratorReason: "no /dev/kvm",
  hypervisorVersion: "7.2",
  vcpus: 8,
  memoryMib: 8_192,
  diskGib: 100,
  version: 1,
  enabled: true,
  disabledReason: null,
  draining: null,
  labels: {},
  features: [],
  machineTypes: [],
  drivers: null,
  numa: [],
  storageId: null,
  storage: null,
  failedBuilds: 0,
  failedBuildsOf: null,
  generation: 1,
  ioOps: 0,
  aggregates: [],
  vcpusClaimed: 0,
  memoryMibClaimed: 0,
  diskGibClaimed: 0,
  instances: 0,
  pinnedCpus: 0,
  numaClaimed: [],
  number: 1,
  registeredAtMs: 0,
  lastSeenAtMs: wallMs,
  lease: null,
  ...changes,
});

export const request = (changes: Partial<PlacementRequest> = {}): PlacementRequest => ({
  vcpus: 1,
  memoryMib: 512,
  diskGib: 1,
  image: { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 },
  excluded: [],
  ...changes,
});

/** A reply that drops its answer: decisions are judged by the answers they return. */
export const reply: Reply<never> & Reply<unknown> = {
  ok: () => undefined,
  fail: () => undefined,
  done: false,
};

export const refresh = (hosts: readonly HostRecord[], readAtMs: number): SchedulerMessage => ({
  kind: "refresh",
  hosts,
  readAtMs,
  wallMs,
});

/** A state that has read these hosts at time 0. */
export const knowing = (...hosts: HostRecord[]): SchedulerState =>
  decide(scheduler, emptyState(), refresh(hosts, 0), 0).next;

/** Sends messages one after the other, each a millisecond later, and gives the last decision. */
export function following(state: SchedulerState, messages: readonly SchedulerMessage[], fromMs = 1) {
  let decision = { next: state, answers: [], effects: [] } as ReturnType<typeof decide>;
  messages.forEach((message, index) => {
    decision = decide(scheduler, decision.next, message, fromMs + index);
  });
  return decision;
}

/** The ranking as given at once, or undefined when the question waits. */
export function ranking(state: SchedulerState, asked = request(), atMs = 1): Ranking | undefined {
  const [answer] = decide(scheduler, state, { kind: "rank", request: asked, reply }, atMs).answers;
  return answer?.kind === "rank" ? answer.answer : undefined;
}

export const hostIds = (found: Ranking | undefined): string[] =>
  found?.kind === "ranked" ? found.candidates.map(({ hostId }) => hostId) : [];
