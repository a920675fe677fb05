/**
 * The load of a scenario: all groups of clients, each client with a connection of its own, until the time or
 * the number of commands is used up. The load ends only when every call has been answered.
 */
import type { ClusterConfig } from "../config/config.ts";
import { connect, type Novact } from "../sdk/sdk.ts";
import { Client, weightsDefault } from "./client.ts";
import { sendImages } from "./image-traffic.ts";
import type { Offer } from "./offer.ts";
import { operate } from "./operator.ts";
import { createRandom } from "./random.ts";
import type { Recorder } from "./recorder.ts";
import type { Load } from "./scenario.ts";

export interface LoadOptions {
  readonly config: ClusterConfig;
  readonly groups: readonly Load[];
  /** Absent: no operator takes part. */
  readonly operator?: { readonly admin: Novact; readonly everyMs: number };
  readonly seed: number;
  /** Name of the run, different every time: request ids of one seed must not meet those of an earlier run. */
  readonly run: string;
  readonly recorder: Recorder;
  readonly offer: Offer;
  readonly ending: AbortSignal;
}

/** Key of the metadata by which a run finds the instances that it made. */
export const runKey = "chaos-run";

/** Begins the names of the images that a run sends. */
export const imagePrefix = (run: string): string => `chaos-${run}-sent-`;

/** The groups that can run on this cluster, and for the others the reason why not. */
export function usableGroups(config: ClusterConfig, groups: readonly Load[]) {
  const there = new Set(config.nodes.map(({ drivers }) => drivers.hypervisor.driver));
  const usable = groups.filter(({ hypervisor = "any" }) => hypervisor === "any" || there.has(hypervisor));
  const remarks = groups
    .filter((group) => !usable.includes(group))
    .map(({ name, hypervisor }) => `The load ${name} is left out: no node has the hypervisor ${hypervisor}.`);
  return { usable, remarks };
}

/** Runs the load; resolves when every call is answered. */
export async function driveLoad(options: LoadOptions): Promise<void> {
  let calls = 0;
  const count = () => {
    calls += 1;
    return calls;
  };
  const driven = Promise.all(options.groups.map((group) => driveGroup(options, group, count)));
  if (options.operator === undefined) return void (await driven);
  const over = new AbortController();
  const end = () => over.abort();
  void driven.then(end, end);
  await Promise.all([driven, driveOperator(options, options.operator, { count, over: over.signal })]);
}

/** The operator works until the last client has ended, since clients make the instances it evacuates. */
function driveOperator(
  { config, groups, seed, run, recorder, ending }: LoadOptions,
  { admin, everyMs }: NonNullable<LoadOptions["operator"]>,
  { count, over }: { readonly count: () => number; readonly over: AbortSignal },
): Promise<void> {
  const instances = groups.reduce((sum, group) => sum + group.instances, 0);
  return operate({
    ...{ run, admin, recorder, everyMs, projects: config.projects },
    random: createRandom(seed, "operator"),
    instances: Math.ceil(instances / Math.max(1, config.projects.length)),
    nextCall: count,
    requestIdOf: (call) => `chaos-${seed}-${run}-${call}`,
    ending: AbortSignal.any([ending, over]),
  });
}

async function driveGroup(options: LoadOptions, group: Load, count: () => number): Promise<void> {
  let left = group.operationsMax ?? Number.POSITIVE_INFINITY;
  const nextCall = () => {
    left -= 1;
    return left < 0 ? undefined : count();
  };
  const over = new AbortController();
  const ending = AbortSignal.any([options.ending, over.signal]);
  const clients = numbersTo(group.clients).map((number) => driveClient(options, group, { number, nextCall }));
  const end = () => over.abort();
  const ended = Promise.all(clients).finally(end);
  const senders = numbersTo(group.images ?? 0).map((number) =>
    driveSender({ ...options, ending }, group, number),
  );
  await Promise.all([ended, ...senders]);
}

const numbersTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);

const projectOf = ({ projects }: ClusterConfig, number: number): string =>
  projects[(number - 1) % projects.length] ?? "demo";

/** It works until the last of its group's clients has ended. */
async function driveSender(options: LoadOptions, group: Load, number: number): Promise<void> {
  const { config, seed, run, recorder, ending } = options;
  const novact = await connected(config, projectOf(config, number));
  try {
    await sendImages({
      ...{ novact, recorder, ending, pauseMs: group.pauseMs ?? 1_000 },
      name: `${imagePrefix(run)}${group.name}-${number}`,
      random: createRandom(seed, `images ${group.name} ${number}`),
    });
  } finally {
    await novact.close();
  }
}

async function driveClient(
  options: LoadOptions,
  group: Load,
  { number, nextCall }: { readonly number: number; readonly nextCall: () => number | undefined },
): Promise<void> {
  const { config, seed, run, offer, recorder, ending } = options;
  const project = projectOf(config, number);
  const name = `chaos-${run}-${group.name}-${number}`;
  const novact = await connected(config, project);
  try {
    const client = new Client({
      name,
      novact,
      recorder,
      random: createRandom(seed, `client ${group.name} ${number}`),
      instancesMax: Math.ceil(group.instances / group.clients),
      pauseMs: group.pauseMs ?? 1_000,
      weights: { ...weightsDefault, ...group.commands },
      groups: group.groups ?? 0,
      ...{ atOnce: group.atOnce ?? 1, volumes: group.volumes ?? 0 },
      flavor: offer.flavor,
      image: offer.imageFor(group.hypervisor ?? "any"),
      network: offer.network,
      outside: group.routers === true ? offer.outside : undefined,
      metadata: { [runKey]: run },
      nextCall,
      requestIdOf: (call) => `chaos-${seed}-${run}-${call}`,
      ending,
    });
    await client.run();
  } finally {
    await novact.close();
  }
}

const connectTimeoutMs = 30_000;

const connected = (config: ClusterConfig, project: string): Promise<Novact> =>
  connect({ config: config.file, project, connectTimeoutMs });
