/** How large the cluster of one run is, and how bad its world: drawn from a seed, or written down. Pure. */
import type { Random } from "./random.ts";

export interface Parameters {
  readonly controllers: number;
  readonly hosts: number;
  readonly clients: number;
  /** CPUs of each host: how many small instances fit. */
  readonly hostVcpus: number;
  readonly latencyMs: number;
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
  readonly storeLatencyMs: number;
  readonly rolledBack: number;
  readonly answerLost: number;
  readonly slow: number;
  readonly driverLatencyMs: number;
  readonly startMs: number;
  readonly refused: number;
  readonly hang: number;
  /** Absent: guests do not hear their power button. */
  readonly shutdownMs?: number;
  /** Every host sees the disks; `locked`: a second process is refused. Absent: guests start anywhere. */
  readonly sharedDisks?: "locked" | "unlocked";
  /** What the storage of `sharedDisks` has; a small guest takes 1. Absent: more than all take. */
  readonly sharedGib?: number;
  /** Guests have disks, on the hosts that they run on. Absent: they have what `sharedDisks` says. */
  readonly ownDisks?: true;
  /** Nobody is of another version. */
  readonly oneVersion?: boolean;
  /** How many lives of agents cannot hold a lease on the storage, as where its locks fail; absent: none. */
  readonly storageUnaware?: number;
  /** NUMA nodes of each host; half of the instances that are made ask for CPUs of their own. Absent: none. */
  readonly numaNodes?: number;
  /** Some guests are told about themselves. Then nobody is of another version: see migration 0012. */
  readonly told?: true;
  /** Commits stand in one line at the store, a batch of each controller. Absent: each finds its own way. */
  readonly batched?: true;
  /** Every event is brought to a sink. Absent: there is none. */
  readonly sink?: true;
  /** Hosts pull images from controllers into a small cache. Only where nobody is of another version. */
  readonly pulledImages?: true;
  /**
   * Beside `pulledImages`: each second host gives other hosts other bytes than those of the image. Absent:
   * none.
   */
  readonly lyingPeers?: true;
  /** Instances have ephemeral and swap disks. Only where nobody is of another version. Absent: none has. */
  readonly localDisks?: true;
  /** Hosts give their guests volumes. Only where nobody is of another version. */
  readonly volumes?: true;
  /**
   * Beside `volumes`: a driver from outside has volumes that hosts share, all but each third one, and is as
   * large as this. Absent: there is none.
   */
  readonly outsideGib?: number;
  /** Clients send and fetch the bytes of images. Only where nobody is of another version. */
  readonly uploads?: true;
  /** Controllers have a plug-in that extends the API, also where no command of the plan asks for it. */
  readonly extended?: true;
}

export interface PlanSize {
  readonly controllers?: number;
  readonly hosts?: number;
  readonly instances?: number;
  readonly seconds?: number;
  /** False: as plans were before there were volumes. */
  readonly volumes?: false;
}

/** In some runs hosts have NUMA nodes, and some guests ask for CPUs of their own. */
export const numaNodesOf = (random: Random): Pick<Parameters, "numaNodes"> =>
  random.chance(0.3) ? { numaNodes: random.whole(1, 2) } : {};

/** Swarm: each kind of trouble is there in some runs and quite absent in others. */
export function parametersOf(random: Random, size: PlanSize): Parameters {
  const unaware = random.fork("storage unaware");
  const room = random.fork("storage room");
  const sometimes = (probability: number, max: number): number =>
    random.chance(probability) ? random.between(0, max) : 0;
  const hosts = size.hosts ?? random.weighted({ "1": 1, "2": 4, "3": 4, "5": 2, "8": 1 });
  return {
    controllers: size.controllers ?? random.whole(1, 3),
    hosts: Number(hosts),
    clients: random.whole(1, 4),
    hostVcpus: size.instances === undefined ? random.whole(2, 12) : size.instances,
    latencyMs: random.pick([0.2, 1, 5, 30]),
    lost: sometimes(0.5, 0.2),
    doubled: sometimes(0.5, 0.2),
    late: sometimes(0.5, 0.3),
    storeLatencyMs: random.pick([0.5, 1, 5, 40]),
    rolledBack: sometimes(0.4, 0.2),
    answerLost: sometimes(0.4, 0.2),
    slow: sometimes(0.3, 0.2),
    driverLatencyMs: random.pick([1, 5, 50, 300]),
    startMs: random.pick([10, 100, 1_000]),
    refused: sometimes(0.4, 0.2),
    hang: sometimes(0.3, 0.05),
    ...(random.chance(0.8) ? { shutdownMs: random.pick([5, 500, 4_000, 30_000]) } : {}),
    ...(random.chance(0.6) ? { sharedDisks: random.pick(["locked", "unlocked"] as const) } : {}),
    ...(room.chance(0.3) ? { sharedGib: room.whole(2, 12) } : {}),
    ...(unaware.chance(0.25) ? { storageUnaware: unaware.between(0, 0.7) } : {}),
  };
}
