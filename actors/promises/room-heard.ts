/** Facts about bytes that are free, as controllers hear of them. Types only; simulator only. */
/** A controller heard how much is free where a host makes disks. */
export interface RoomHeard {
  readonly kind: "roomHeard";
  readonly atMs: number;
  readonly by: string;
  readonly hostId: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** A controller may have forgotten the words of hosts: its process began anew, or an actor broke. */
export interface RoomForgotten {
  readonly kind: "roomForgotten";
  readonly atMs: number;
  readonly by: string;
}
