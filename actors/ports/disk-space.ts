/** Room on the file systems that a process writes to. Types only. */
import type { FileSystemSpace } from "../../protocol/space.ts";

export interface DiskSpace {
  /** Looks now. A file system that does not answer soon is left out. Never rejects. */
  look(): Promise<readonly FileSystemSpace[]>;
}
