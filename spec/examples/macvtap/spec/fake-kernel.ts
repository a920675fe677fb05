/**
 * A computer that only pretends: macvtaps and their files, kept in memory, and nothing that carries a packet.
 * Its agent may die between any two of its steps.
 */
import { StatusError } from "novact/plugin";
import type { Change, Kernel, NewMacvtap, SeenMacvtap } from "../src/kernel.ts";

export class FakeKernel implements Kernel {
  readonly devices = new Map([["eth1", 1_500]]);
  readonly links = new Map<string, SeenMacvtap>();
  readonly files = new Set<string>();
  readonly opened = new Set<string>();
  /** Steps after which the agent is dead. */
  stepsLeft = Number.POSITIVE_INFINITY;

  #step(): void {
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) throw new Error("The agent has died.");
  }

  mtuBytesOf(device: string): number | undefined {
    return this.devices.get(device);
  }

  async macvtaps(): Promise<readonly SeenMacvtap[]> {
    return [...this.links.values()];
  }

  async make({ name, alias, ...given }: NewMacvtap): Promise<void> {
    if (this.links.has(name)) throw new StatusError("hypervisorRefused", "RTNETLINK answers: File exists");
    this.#step();
    this.#close(name);
    this.links.set(name, { name, ...given, alias: null, isUp: false, isSilent: false, takesGroups: false });
    this.#step();
    this.#set(name, { alias, isSilent: true, takesGroups: true });
  }

  async change(changes: readonly Change[]): Promise<void> {
    for (const { name, ...change } of changes) {
      this.#step();
      this.#set(name, { ...change, isSilent: true, takesGroups: true });
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#step();
      this.#close(name);
      this.links.delete(name);
    }
  }

  async fileOf(name: string): Promise<string> {
    if (!this.links.has(name)) throw new StatusError("hypervisorRefused", "There is no such macvtap.");
    this.#step();
    this.files.add(name);
    return `/dev/${name}`;
  }

  async keepFiles(names: ReadonlySet<string>): Promise<void> {
    for (const name of this.files) if (!names.has(name)) this.files.delete(name);
  }

  async isOpen(path: string): Promise<boolean> {
    return this.opened.has(path);
  }

  #set(name: string, change: Partial<SeenMacvtap>): void {
    const link = this.links.get(name);
    if (link !== undefined) this.links.set(name, { ...link, ...change });
  }

  /** Cuts off the process that has the macvtap open. */
  #close(name: string): void {
    this.opened.delete(`/dev/${name}`);
    this.files.delete(name);
  }
}
