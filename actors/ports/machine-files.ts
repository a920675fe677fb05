/** The machine files: one small file that a host keeps for each machine. Types only. */

/**
 * A small file for each machine, so that a restarted agent knows its machines. Writes are durable when they
 * resolve.
 */
export interface MachineFiles {
  write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void>;
  remove(instanceId: string): Promise<void>;
  /** An unreadable file has the content undefined. */
  readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]>;
}
