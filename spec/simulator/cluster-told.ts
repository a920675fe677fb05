/** Who hears what happens in a simulated cluster, at the moment when it happens. */
import type { Guest } from "../../actors/ports/hypervisor.ts";
import type { PortSpec } from "../../actors/ports/network.ts";
import type { DiskCopied, ImageCached, ImagesNeeded } from "../../actors/promises/image-facts.ts";
import type { Applied, PictureLost, PortHeld } from "../../actors/promises/network-facts.ts";
import type { RoomHeard } from "../../actors/promises/room-heard.ts";
import type { VolumeOpened } from "../../actors/promises/volume-access.ts";
import type { Commit, CommitResult } from "../../actors/records/commit.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import type { Space } from "../../protocol/space.ts";
import type { ToldOfBytes } from "./image-stores.ts";
import type { Owner } from "./kernel.ts";

/** A process came, went, cannot write any more, or can again. */
export type ToldOfGuest = "guestStarted" | "guestEnded" | "guestHeld" | "guestFree";

export type ToldOfImage =
  | Pick<ImageCached, "kind" | "sha256">
  | Omit<DiskCopied, "atMs" | "hostId">
  | Pick<ImagesNeeded, "kind" | "instanceId" | "sha256s">;

type OpenFile = Pick<VolumeOpened, "instanceId" | "pid" | "volumeId" | "epoch">;

export interface HostTold {
  guest(kind: ToldOfGuest, hostId: string, guest: Guest): void;
  /** A process of a guest has the file of a volume open from now on, or has it no more. */
  volume(hostId: string, open: OpenFile, isOpen: boolean): void;
  /** The host lets pass what this picture allows. Undefined: a power loss took the picture. */
  applied(hostId: string, networking: HostNetworking | undefined): void;
  /** Of the cache of images on a host, and of copies of disks. */
  image(hostId: string, what: ToldOfImage): void;
  /** A life of an agent has begun, or ended. */
  turned(hostId: string): void;
}

export interface ClusterTold extends HostTold {
  committed(by: string, commit: Commit, result: CommitResult): void;
  /** The host has a port from now on, or has it no more. */
  port(hostId: string, port: PortSpec, isThere: boolean): void;
  renewed(hostId: string, ownerEpoch: number): void;
  /** What a controller hears of the file systems of a host. */
  roomHeard(by: string, hostId: string, spaces: readonly Space[]): void;
  /** A controller may have forgotten what it heard. */
  roomForgotten(by: string): void;
  sent(from: string, subject: string, bytes: number): void;
  /** Bytes of images were kept, came to somebody, or were lost. */
  bytes(what: ToldOfBytes): void;
  /** Events with these numbers have come to a sink. */
  delivered(sink: string, sequences: readonly number[]): void;
  /** A turn was broken, by a fault, in the middle of this kind of message. */
  crashed(by: Owner, message: string): void;
  /** A full mailbox of this actor did not say that it is full. */
  silent(by: Owner, actor: string): void;
}

const bytesPerMib = 1024 * 1024;

/** Free bytes of the file system with the disks, if the host says which that is. */
export const roomFacts = (
  atMs: number,
  by: string,
  hostId: string,
  spaces: readonly Space[],
): readonly RoomHeard[] =>
  spaces
    .filter(({ disks }) => disks === true)
    .map(({ freeMib, totalMib }) => ({
      ...{ kind: "roomHeard", atMs, by, hostId },
      ...{ freeBytes: freeMib * bytesPerMib, totalBytes: totalMib * bytesPerMib },
    }));

export const appliedFact = (
  atMs: number,
  hostId: string,
  networking: HostNetworking | undefined,
): Applied | PictureLost =>
  networking === undefined
    ? { kind: "pictureLost", atMs, hostId }
    : { kind: "applied", atMs, hostId, networking };

export const portFact = (
  atMs: number,
  hostId: string,
  { instanceId, portId }: PortSpec,
  isThere: boolean,
): PortHeld => ({ kind: isThere ? "portHeld" : "portLetGo", atMs, hostId, instanceId, portId });

export const volumeFact = (atMs: number, hostId: string, open: OpenFile, isOpen: boolean): VolumeOpened => ({
  kind: isOpen ? "volumeOpened" : "volumeClosed",
  atMs,
  hostId,
  ...open,
});
