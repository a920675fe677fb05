/**
 * The end of a run: waits until nothing changes any more, and records the final state on both sides: the
 * API's answers, and the processes and files on the hosts. Changes nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Quiet } from "../../actors/promises/facts.ts";
import type { Event } from "../../protocol/event.ts";
import type { Instance } from "../../protocol/instance.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { InstanceState } from "../../protocol/states.ts";
import type { ClusterConfig } from "../config/config.ts";
import type { Novact } from "../sdk/sdk.ts";
import { lookForGuests, remainsOf } from "./parties.ts";
import { streamNumbers } from "./stream-numbers.ts";

const settledStates: ReadonlySet<InstanceState> = new Set([
  "running",
  "paused",
  "stopped",
  "failed",
  "deleted",
]);
const lookEveryMs = 500;
const patient = { timeoutMs: 60_000 };
const pageLimit = 1_000;

/**
 * Waits until no operation is under way, every instance is in a resting state, all hosts are heard from, and
 * the doctor finds nothing; or until the time is over. Answers what is still changing.
 */
export async function untilSettled(admin: Novact, withinMs: number): Promise<readonly string[]> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const moving = await movingNow(admin);
    if (moving.length === 0 || performance.now() > deadlineMs) return moving;
    await sleep(lookEveryMs);
  }
}

async function movingNow(admin: Novact): Promise<readonly string[]> {
  const instances = await allInstances(admin, false);
  const moving = instances
    .filter(({ state, operationId }) => !settledStates.has(state) || operationId !== null)
    .map(({ id, state, operationId }) => `Instance ${id} is ${state}, operation ${operationId ?? "none"}.`);
  const { hosts } = await admin.host.list({ limit: pageLimit }, patient);
  const silent = hosts.filter(({ alive }) => !alive).map(({ name }) => `Host ${name} is silent.`);
  if (moving.length + silent.length > 0) return [...moving, ...silent];
  // Advice stays until people follow it.
  return (await findingsOf(admin))
    .filter(({ kind }) => kind !== "advice")
    .map(({ kind, subject, message }) => `${kind}: ${subject}: ${message}`);
}

async function findingsOf(admin: Novact): Promise<Quiet["findings"]> {
  const { findings } = await admin.doctor.examine({}, { timeoutMs: 120_000 });
  return findings;
}

async function allInstances(admin: Novact, deleted: boolean): Promise<readonly Instance[]> {
  return pages(async (marker) => {
    const { instances, nextMarker } = await admin.instance.list(
      { limit: pageLimit, ...(deleted ? { deleted } : {}), ...marker },
      patient,
    );
    return { rows: instances, nextMarker };
  });
}

async function pages<T>(
  load: (marker: { marker?: string }) => Promise<{ rows: readonly T[]; nextMarker: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const { rows, nextMarker } = await load(marker === undefined ? {} : { marker });
    all.push(...rows);
    marker = nextMarker;
  } while (marker !== undefined);
  return all;
}

async function allOperations(admin: Novact): Promise<readonly Operation[]> {
  return pages(async (marker) => {
    const { operations, nextMarker } = await admin.operation.list({ limit: pageLimit, ...marker }, patient);
    return { rows: operations, nextMarker };
  });
}

/** All events that are kept after the number; `trimmed` is the number before the first of them. */
async function eventsAfter(admin: Novact, after: number) {
  const events: Event[] = [];
  let position = after;
  for (;;) {
    const page = await admin.event.list({ after: position, limit: pageLimit }, patient);
    events.push(...page.events);
    if (page.last <= position) return { events, trimmed: Math.max(after, page.trimmed) };
    position = page.last;
  }
}

export interface QuietOptions {
  readonly config: ClusterConfig;
  readonly admin: Novact;
  /** The events after this number are read. */
  readonly after: number;
}

export async function takeDown({ config, admin, after }: QuietOptions): Promise<Quiet> {
  const [instances, operations, { hosts }] = [
    await allInstances(admin, true),
    await allOperations(admin),
    await admin.host.list({ limit: pageLimit }, patient),
  ];
  const { events, trimmed } = await eventsAfter(admin, after);
  const { found: guests, unread } = await lookForGuests(config);
  if (unread.length > 0)
    throw new Error(`Processes of guests do not answer: ${unread.map(({ pid }) => pid).join(", ")}.`);
  const last = events.at(-1)?.sequence ?? trimmed;
  // While something still changes, the stream may be ahead of the events read before it.
  const stream = (await streamNumbers(config, last))?.filter((number) => number <= last);
  return {
    kind: "quiet",
    atMs: Date.now(),
    instances: instances.map(factsOf),
    operations,
    hosts: hosts.map(({ id, capacity, claimed }) => ({ id, capacity, claimed })),
    guests: guests.map(({ hostId, instanceId, process }) => {
      return { hostId, instanceId, pid: process.pid, running: process.state !== "T" };
    }),
    remains: await remainsOf(config),
    events,
    eventsTrimmed: trimmed,
    ...(stream === undefined ? {} : { stream }),
    groups: await groupsOf(admin, instances),
    quotas: await Promise.all(config.projects.map((project) => quotaOf(admin, project))),
    findings: await findingsOf(admin),
  };
}

async function groupsOf(admin: Novact, instances: readonly Instance[]): Promise<Quiet["groups"] & object> {
  const groups = await pages(async (marker) => {
    const { serverGroups, nextMarker } = await admin.serverGroup.list(
      { limit: pageLimit, ...marker },
      patient,
    );
    return { rows: serverGroups, nextMarker };
  });
  return groups.map(({ id, policy, maxPerHost }) => {
    const members = instances.filter(
      ({ serverGroupId, state }) => serverGroupId === id && state !== "deleted",
    );
    return { id, policy, maxPerHost, hostIds: members.flatMap(({ hostId }) => hostId ?? []) };
  });
}

async function quotaOf(admin: Novact, project: string) {
  const { quota } = await admin.quota.show(project, {}, patient);
  return { project, used: quota.used };
}

function factsOf(instance: Instance): Quiet["instances"][number] {
  const { id, project, state, desired, generation, hostId, operationId, failure, machine, flavor } = instance;
  return {
    size: { instances: 1, vcpus: flavor.vcpus, memoryMib: flavor.memoryMib },
    id,
    project,
    state,
    desired,
    generation,
    hostId,
    operationId,
    failed: failure !== null,
    deleted: state === "deleted",
    machine: machine && { state: machine.state, intentGeneration: machine.intentGeneration },
  };
}
