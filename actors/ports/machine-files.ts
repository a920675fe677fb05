/** The small file that a host keeps for each machine. Types only. */

/** A small file per machine, so that an agent that starts knows what it had. Durable when it resolves. */
export interface MachineFiles {
  write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void>;
  remove(instanceId: string): Promise<void>;
  /** Unreadable files are answered with content undefined. */
  readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]>;
}
