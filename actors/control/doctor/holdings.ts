/**
 * What is kept on a host for guests, whatever keeps it: processes and directories, and the holdings of
 * drivers that nobody here knows. Pure.
 */
import { counted } from "../../../protocol/wire/wording.ts";
import type { Audit } from "./input.ts";

export interface Kept {
  readonly instanceId: string;
  /** `process`, `disk`, `network`, or a driver's own word. */
  readonly kind: string;
  /** A noun for people: `process 4711`, `a directory with 3 files`. */
  readonly what: string;
}

export const keptOn = ({ processes, directories, holdings = [] }: Audit): readonly Kept[] => [
  ...processes.map(({ instanceId, pid }) => ({ instanceId, kind: "process", what: `process ${pid}` })),
  ...directories.map(({ instanceId, files }) => ({
    ...{ instanceId, kind: "disk", what: `a directory with ${counted(files.length, "file")}` },
  })),
  ...holdings,
];
