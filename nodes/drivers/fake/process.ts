/** A process of a fake guest, and what of it is seen from outside. Pure. */
import { conditionOf } from "../../../actors/node/guard/condition.ts";
import type { Guest, GuestStatus } from "../../../actors/ports/hypervisor.ts";
import type { GuestData } from "../../../protocol/guest-data.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { ProcessVolumes } from "./process-volumes.ts";
import type { FakeDisk, FakeLease } from "./storage.ts";

export type FakeVerb =
  | "start"
  | "pause"
  | "resume"
  | "pressPowerButton"
  | "reset"
  | "rewire"
  | "unplugOthers"
  | "attachVolume"
  | "detachVolume"
  | "volumesOf"
  | "resizeVolume"
  | "continueFull"
  | "halt"
  | "ensureDisks"
  | "releaseDisks";

export type OwnDeed = "paused" | "resumed" | "shutdown" | "panicked" | "reset";

export interface FakeProcess {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly name: string;
  readonly pid: number;
  readonly startedAtMs: number;
  status: GuestStatus;
  /** True: it is paused since a disk had no room. */
  isFull: boolean;
  /** Number of resets: after each, the guest has forgotten a press of its button. */
  resets: number;
  readonly fence: boolean;
  /** MACs by the places of the interfaces. Undefined: the guest was told of none. */
  interfaces: ReadonlyMap<number, string> | undefined;
  /** Volumes of the guest by place. */
  readonly volumes: ProcessVolumes;
  /** True: it gives back no device that it is asked for. */
  clings: boolean;
  /** The contents of the config drive; undefined: the guest has none. */
  readonly told: GuestData | undefined;
  /** The disk that the guest has opened on the shared storage, under whatever name it is now. */
  readonly disk: FakeDisk | undefined;
  /** The storage lease of its host, which the process holds until it ends. */
  readonly lease: FakeLease | undefined;
  /** True: it was sent SIGSTOP. Once it is stopped, its actions are put off until it goes on. */
  stopping: boolean;
  /** True: it was sent SIGKILL, and a thread is left that waits for its storage in the kernel. */
  killed: boolean;
  /** True: its first thread waits in the kernel for a storage that does not answer; the others go on. */
  hung: boolean;
  readonly pending: OwnDeed[];
}

export const factsOf = ({
  instanceId,
  ownerEpoch,
  pid,
  status,
  startedAtMs,
  isFull,
}: FakeProcess): Guest => ({
  ...{ instanceId, ownerEpoch, pid, status, startedAtMs },
  ...(isFull && status === "paused" ? { pausedBy: "diskFull" } : {}),
});

/** The states of the process's threads, as the kernel would show them. */
function threadsOf({ hung, killed, stopping }: FakeProcess): readonly string[] {
  if (killed) return hung ? ["Z", "D"] : [];
  if (hung) return ["D", "S"];
  return stopping ? ["T", "T"] : ["S", "S"];
}

export const isStopped = (guest: FakeProcess): boolean => conditionOf(threadsOf(guest)) === "stopped";
export const isThere = (guest: FakeProcess): boolean => conditionOf(threadsOf(guest)) !== "gone";

/** The MACs of a guest's interfaces by their places, as it is told them. Undefined: of none. */
export const placesOf = ({
  interfaces,
}: Pick<MachineSpec, "interfaces">): ReadonlyMap<number, string> | undefined =>
  interfaces && new Map(interfaces.map(({ mac, place }, index) => [place ?? index, mac]));
