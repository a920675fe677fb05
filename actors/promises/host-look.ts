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

interface OpenVolume {
  readonly hostId: string;
  readonly instanceId: string;
  /** Of the guest. */
  readonly pid: number;
  readonly volumeId: string;
}

/** Which guests' processes have which volumes open, on all hosts one after the other. Real clusters only. */
export interface VolumesLook {
  readonly kind: "volumesLook";
  readonly atMs: number;
  readonly untilMs: number;
  /** Files of guests that are not stopped: a stopped guest writes nothing. */
  readonly open: readonly OpenVolume[];
}

/** What there is of volumes at the end of a run. Real clusters only. */
export interface VolumesEnd {
  readonly kind: "volumesEnd";
  readonly atMs: number;
  readonly rows: readonly {
    readonly id: string;
    readonly status: string;
    readonly instanceId: string | null;
    readonly made: boolean;
    /** The directory where its file has to be. Absent: on a host that only pretends. */
    readonly place?: string;
  }[];
  readonly instances: readonly {
    readonly id: string;
    readonly volumes: readonly { readonly volumeId: string; readonly change?: string }[];
  }[];
  readonly files: readonly {
    readonly place: string;
    readonly volumeId: string;
    /** Name of its directory, which has the volume's epoch. */
    readonly directory: string;
    /** Which start of a guest wrote which records, and which are lost. Absent: none of ours wrote there. */
    readonly log?: {
      readonly count: number;
      readonly runs: readonly { readonly writer: string; readonly from: number; readonly to: number }[];
      readonly lost: readonly number[];
    };
  }[];
  readonly open: readonly OpenVolume[];
  /** Ids of instances whose guest is a process that lives. */
  readonly living: readonly string[];
}
