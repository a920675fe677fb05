/** What the hypervisor driver is given of its host. Types only. */
import type { FileHandle } from "node:fs/promises";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { GuestGroups } from "../cgroup/guest-groups.ts";
import type { HostNumaNode } from "../computer-facts.ts";
import type { StateDirectories } from "../guest-directory.ts";
import type { GuestNetwork } from "./guest-network.ts";

export interface AcceleratorChoice {
  readonly accelerator: "kvm" | "tcg";
  readonly reason: string;
  /** Groups that a guest's process needs beside its own, to open /dev/kvm. */
  readonly groups: readonly number[];
}

export interface QemuOptions {
  readonly directories: StateDirectories;
  readonly clock: Clock;
  readonly log: Log;
  /** The executable, found by its name in the system's path. */
  readonly executable: string;
  readonly version: () => Promise<string>;
  readonly accelerator: () => Promise<AcceleratorChoice>;
  /** The shapes that guests can have under this accelerator. */
  readonly shapes: () => Promise<OfferedShapes>;
  /**
   * Opens the storage lease's file that a guest holds open when another host may take it over. Absent, or
   * answering undefined: no such file.
   */
  readonly openLease?: () => Promise<FileHandle | undefined>;
  /** The network that guests' processes are in. Absent: the agent's own. */
  readonly network?: GuestNetwork;
  /** The cgroups that bound the guests, and the host's own in which they can be frozen. */
  readonly groups: GuestGroups;
  /** The NUMA nodes in the order of the host's inventory. */
  readonly nodes: () => Promise<readonly HostNumaNode[]>;
}
