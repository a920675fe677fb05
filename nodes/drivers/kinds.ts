/** The options of a set of drivers, and the ports that it provides. Interfaces only. */

import type { Consoles } from "../../actors/ports/consoles.ts";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { Disks } from "../../actors/ports/disks.ts";
import type { Guard } from "../../actors/ports/guard.ts";
import type { Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import type { StorageLeases } from "../../actors/ports/storage-leases.ts";
import type { Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { FakeWorld } from "./fake/world.ts";
import type { ProbeGuest, WantedAccelerator } from "./qemu/accelerator.ts";

export interface DriverOptions {
  /** Directory of this host alone: two agents in one directory would adopt each other's guests. */
  readonly stateDirectory: string;
  /** Directory of registered images, by checksum; readable by this host. */
  readonly imageStore: string;
  /**
   * Directory of the root disks of all hosts that share it; absent: in the state directory. Not for fake
   * guests.
   */
  readonly sharedDirectory?: string;
  readonly clock: Clock;
  /** Makes the id of a shared storage that has none yet. */
  readonly ids: Ids;
  readonly log: Log;
  /** Absent: `auto`. */
  readonly accelerator?: WantedAccelerator;
  /** The guest that `auto` tries KVM with; absent: TCG is used. */
  readonly probe?: ProbeGuest;
  /**
   * File of the accelerator decision, which the nodes of one computer may share. Absent: in the state
   * directory.
   */
  readonly acceleratorCache?: string;
  /** Fake guests only: the computer that they live on. Absent: a new one, which ends with the process. */
  readonly world?: FakeWorld;
  /** Fake guests only, when `world` is absent. */
  readonly startLatencyMs?: number;
}

/** The processes and files that are really there, found without asking any actor or process. */
export interface AuditFindings {
  /**
   * `status`: `running`, or `stopped` when the whole process is stopped (SIGSTOP); the guest's own state is
   * not asked for.
   */
  readonly processes: readonly {
    readonly instanceId: string;
    readonly pid: number;
    readonly status: string;
  }[];
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  /**
   * Sentences about sockets, pid files, partial copies and processes without a directory that belong to no
   * living guest.
   */
  readonly strays: readonly string[];
}

export interface Drivers {
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  /**
   * Id of the host's storage: hosts with the same id see the same disks; null: no other host sees this host's
   * disks.
   */
  readonly storageId: string | null;
  /** Storage leases on the shared storage; absent: the host shares none. */
  readonly storageLeases?: StorageLeases;
  readonly machineFiles: MachineFiles;
  readonly consoles: Consoles;
  readonly space: DiskSpace;
  /**
   * The guard of this host, started when it does not live; it outlives its caller. One caller at a time.
   * @throws Error when it does not answer
   */
  guard(): Promise<Guard>;
  audit(): Promise<AuditFindings>;
  /**
   * The machine types that a guest can have, in the hypervisor's words; absent: there is no choice. Never
   * rejects.
   */
  readonly machineTypes?: () => Promise<readonly string[]>;
}

export type DriverFactory = (options: DriverOptions) => Drivers;
