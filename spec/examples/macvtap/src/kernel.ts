/** The part of a computer that the driver works on, of Linux or of a fake for tests. Types only. */

/** A macvtap as it is. */
export interface SeenMacvtap {
  readonly name: string;
  /** Null: none is set. */
  readonly alias: string | null;
  /** The device below it; null: a device of another network namespace. */
  readonly device: string | null;
  readonly mac: string;
  readonly mtuBytes: number;
  /** False: nothing passes. */
  readonly isUp: boolean;
  /** The kernel gives it no address of IPv6, and so sends nothing by it unasked. */
  readonly isSilent: boolean;
  /** Frames for groups pass, whatever its guest has said to listen to. */
  readonly takesGroups: boolean;
}

export type NewMacvtap = Pick<SeenMacvtap, "name" | "mac" | "mtuBytes"> & {
  readonly alias: string;
  readonly device: string;
};

/** Absent: it stays. */
export type Change = Pick<SeenMacvtap, "name"> & Partial<Pick<SeenMacvtap, "mac" | "mtuBytes" | "isUp">>;

export interface Kernel {
  /** Undefined: the computer has no such device. */
  mtuBytesOf(device: string): number | undefined;
  /** All of the computer, whoever made them. */
  macvtaps(): Promise<readonly SeenMacvtap[]>;
  /** Makes a closed macvtap, or leaves nothing. @throws StatusError hypervisorRefused */
  make(wanted: NewMacvtap): Promise<void>;
  /** Changes what can be changed; another look says what is. Also makes each silent, and takes groups. */
  change(changes: readonly Change[]): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** Path of the file to open the macvtap by, made when missing. @throws StatusError hypervisorRefused */
  fileOf(name: string): Promise<string>;
  /** Removes all files but those of these. */
  keepFiles(names: ReadonlySet<string>): Promise<void>;
  /** Whether a process has the file open that is at the path. */
  isOpen(path: string): Promise<boolean>;
}
