/** What is seen on hosts of a real cluster, beside the facts of facts.ts. Types only. */

/** What a host answers for, with a guest that acts: seen beside its agent. Real clusters only. */
export interface HostLook {
  readonly kind: "hostLook";
  readonly hostId: string;
  readonly atMs: number;
  readonly untilMs: number;
  /** Of the picture that it has applied. */
  readonly version: number;
  readonly answers: readonly HostAnswer[];
}

export interface HostAnswer {
  /** An address, in the words of a sentence. */
  readonly what: string;
  readonly portId: string;
  /** Of the guest. */
  readonly pid: number;
  /** Absent: it is an address of the port itself. */
  readonly floatingId?: string;
}
