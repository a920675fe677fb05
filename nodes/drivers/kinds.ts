/**
 * What a set of drivers gets and gives. Interfaces only.
 */

import type { Consoles } from "../../actors/ports/consoles.ts";
import type { Disks } from "../../actors/ports/disks.ts";
import type { Guard } from "../../actors/ports/guard.ts";
import type { Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import type { StorageLeases } from "../../actors/ports/storage-leases.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { FakeWorld } from "./fake/world.ts";
import type { ProbeGuest, WantedAccelerator } from "./qemu/accelerator.ts";

export interface DriverOptions {
  /** Of this host alone: two agents in one directory would adopt each other's guests. */
  readonly stateDirectory: string;
  /** Where registered images are, by checksum; readable by this host. */
  readonly imageStore: string;
  /** Where root disks are, for all hosts that see it; absent: in the state directory. Not for fake guests. */
  readonly sharedDirectory?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: `auto`. */
  readonly accelerator?: WantedAccelerator;
  /** What `auto` tries KVM with; absent: TCG. */
  readonly probe?: ProbeGuest;
  /** Where the decision is kept; the nodes of one machine may share it. Absent: in the state directory. */
  readonly acceleratorCache?: string;
  /** Fake guests only: the machine they live on. Absent: a new one, which ends with the process. */
  readonly world?: FakeWorld;
  /** Fake guests only, when `world` is absent. */
  readonly startLatencyMs?: number;
}

/** What is really there, found without asking any actor, nor any process. */
export interface AuditFindings {
  /**
   * `status`: `running`, or `stopped` when the whole process is (SIGSTOP); what its guest does is not asked.
   */
  readonly processes: readonly {
    readonly instanceId: string;
    readonly pid: number;
    readonly status: string;
  }[];
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  /**
   * Sentences about what belongs to no living guest: sockets, pid files, half copies, processes without a
   * directory.
   */
  readonly strays: readonly string[];
}

export interface Drivers {
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  /** Hosts that answer the same see the same disks; null: nobody else sees this host's. */
  readonly storageId: string | null;
  /** Of the storage that it shares; absent: it shares none. */
  readonly storageLeases?: StorageLeases;
  readonly machineFiles: MachineFiles;
  readonly consoles: Consoles;
  /**
   * The guard of this host, that is there or is started; it outlives whoever asks. One caller at a time.
   * @throws Error when it does not answer
   */
  guard(): Promise<Guard>;
  audit(): Promise<AuditFindings>;
  /** What a guest's machine can be, in the hypervisor's words; absent: there is no choice. Never rejects. */
  readonly machineTypes?: () => Promise<readonly string[]>;
}

export type DriverFactory = (options: DriverOptions) => Drivers;
