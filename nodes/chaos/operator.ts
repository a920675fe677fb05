/**
 * The operator of a load: sets quotas, also below what is used, moves hosts between the racks of two zones,
 * and takes instances away from hosts that may be lost. What it changed is as it was when the run ends: its
 * racks are removed, and quotas are set back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Novact, StatusError } from "../sdk/sdk.ts";
import { type Asked, callOnce } from "./caller.ts";
import type { Random } from "./random.ts";
import type { Recorder } from "./recorder.ts";

export interface OperatorOptions {
  readonly run: string;
  readonly admin: Novact;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly projects: readonly string[];
  /** How long it rests between two commands, on average. */
  readonly everyMs: number;
  /** How many instances a project has, more or less: quotas are about so much. */
  readonly instances: number;
  readonly nextCall: () => number;
  readonly requestIdOf: (call: number) => string;
  readonly ending: AbortSignal;
}

const zones = ["chaos-a", "chaos-b"] as const;
const patient = { timeoutMs: 60_000 };
const pageLimit = 1_000;

export async function operate(options: OperatorOptions): Promise<void> {
  const { ending, random, everyMs } = options;
  const before = await limitsOf(options);
  try {
    while (!ending.aborted) {
      await sleep(everyMs * random.between(0.3, 1.7), undefined, { signal: ending }).catch(() => undefined);
      if (!ending.aborted) await step(options);
    }
  } finally {
    await putBack(options, before);
  }
}

async function step(options: OperatorOptions): Promise<void> {
  const { random, nextCall, requestIdOf, admin: novact, recorder } = options;
  const asked = await chosen(options, random.weighted({ quota: 3, rack: 1, zone: 2, host: 4, evacuate: 3 }));
  if (asked === undefined) return;
  const call = nextCall();
  await callOnce({ name: "operator", novact, recorder }, { call, requestId: requestIdOf(call) }, asked);
}

type Deed = "quota" | "rack" | "zone" | "host" | "evacuate";

const rackOf = ({ run, random }: OperatorOptions): string => `chaos-${run}-rack-${random.pick([1, 2])}`;

async function chosen(options: OperatorOptions, deed: Deed): Promise<Asked | undefined> {
  const { admin, random, projects, instances } = options;
  switch (deed) {
    case "quota": {
      const id = random.pick(projects);
      const limit = Math.floor(random.between(instances * 0.3, instances * 1.3));
      const request = { instances: random.next() < 0.2 ? -1 : limit };
      return { method: "quota.set", id, request, send: (call) => admin.quota.set(id, request, call) };
    }
    case "rack": {
      const request = { name: rackOf(options), availabilityZone: random.pick(zones) };
      const send: Asked["send"] = (call) => admin.aggregate.create(request, call);
      return { method: "aggregate.create", id: "", request, send };
    }
    case "zone": {
      const [id, request] = [rackOf(options), { availabilityZone: random.pick(zones) }];
      return { method: "aggregate.set", id, request, send: (call) => admin.aggregate.set(id, request, call) };
    }
    case "host":
      return movedHost(options);
    case "evacuate":
      return evacuated(options);
  }
}

async function movedHost(options: OperatorOptions): Promise<Asked | undefined> {
  const { admin, random } = options;
  const hosts = await reading(async () => (await admin.host.list({ limit: pageLimit }, patient)).hosts);
  if (hosts.length === 0) return undefined;
  const [id, request] = [rackOf(options), { host: random.pick(hosts).id }];
  const verb = random.pick(["addHost", "addHost", "removeHost"] as const);
  return {
    method: `aggregate.${verb}`,
    id,
    request,
    send: (call) => admin.aggregate[verb](id, request, call),
  };
}

/** Refused unless its host is fenced. */
async function evacuated({ admin, random }: OperatorOptions): Promise<Asked | undefined> {
  const instances = await reading(
    async () => (await admin.instance.list({ limit: pageLimit }, patient)).instances,
  );
  if (instances.length === 0) return undefined;
  const { id } = random.pick(instances);
  return {
    ...{ method: "instance.evacuate", id, request: {} },
    send: (call) => admin.instance.evacuate(id, {}, call),
  };
}

/** What cannot be read now is not needed: another deed comes. */
async function reading<T>(read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof StatusError) return [];
    throw thrown;
  }
}

type Limits = ReadonlyMap<string, number | null>;

async function limitsOf({ admin, projects }: OperatorOptions): Promise<Limits> {
  const found = projects.map(async (project) => {
    const { quota } = await admin.quota.show(project, {}, patient);
    return [project, quota.limits.instances] as const;
  });
  return new Map(await Promise.all(found));
}

/** All faults are healed by now, or will be soon: these are asked for until they are done. */
async function putBack({ admin, run }: OperatorOptions, before: Limits): Promise<void> {
  for (const [project, instances] of before) await admin.quota.set(project, { instances }, patient);
  const { aggregates } = await admin.aggregate.list({ limit: pageLimit }, patient);
  for (const { id, name, hostIds } of aggregates) {
    if (!name.startsWith(`chaos-${run}-`)) continue;
    for (const host of hostIds) await admin.aggregate.removeHost(id, { host }, patient);
    await admin.aggregate.delete(id, {}, patient);
  }
}
