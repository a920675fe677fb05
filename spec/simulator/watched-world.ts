/**
 * The world of a simulated host, watched: every process that comes, goes, cannot write any more or can again
 * is told at that moment. Guests write to their volumes here, as a real guest would: a number that goes up.
 */
import type { Guest } from "../../actors/ports/hypervisor.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import type { ToldOfGuest } from "./cluster-told.ts";
import { RoutedThings } from "./routed-things.ts";

export interface VolumeWrite {
  readonly volumeId: string;
  readonly epoch: number;
  /** The number that the guest has found there. */
  readonly found: number;
}

export class WatchedWorld extends FakeWorld {
  readonly routed = new RoutedThings();
  readonly #told: (kind: ToldOfGuest, guest: Guest) => void;
  readonly #held = new Set<number>();
  /** Pids whose CPU does not run yet. */
  readonly #starting = new Set<number>();

  constructor(options: ConstructorParameters<typeof FakeWorld>[0], told: WatchedWorld["told"]) {
    super(options);
    this.#told = told;
  }

  get told() {
    return this.#told;
  }

  override async boot(...asked: Parameters<FakeWorld["boot"]>): Promise<Guest> {
    const guest = await super.boot(...asked);
    this.#starting.add(guest.pid);
    this.#told("guestStarted", guest);
    this.#tellHeld(guest.instanceId);
    return guest;
  }

  override end(instanceId: string): void {
    super.end(instanceId);
    this.#tellHeld(instanceId);
  }

  override kill(...loss: Parameters<FakeWorld["kill"]>): void {
    super.kill(...loss);
    const [instanceId] = loss;
    this.#tellHeld(instanceId);
  }

  override unhangStorage(): void {
    super.unhangStorage();
    for (const { instanceId } of this.list()) this.#tellHeld(instanceId);
  }

  protected override leave(instanceId: string): boolean {
    const guest = this.known(instanceId);
    if (guest !== undefined) this.#told("guestEnded", guest);
    return super.leave(instanceId);
  }

  override setStatus(instanceId: string, status: Guest["status"]): void {
    super.setStatus(instanceId, status);
    this.#tellHeld(instanceId);
  }

  override guestDoes(...deed: Parameters<FakeWorld["guestDoes"]>): void {
    super.guestDoes(...deed);
    this.#tellHeld(deed[0]);
  }

  override reboot(instanceId: string): void {
    super.reboot(instanceId);
    this.#tellHeld(instanceId);
  }

  override freeze(instanceId: string): void {
    super.freeze(instanceId);
    this.#tellHeld(instanceId);
  }

  override thaw(instanceId: string): void {
    super.thaw(instanceId);
    this.#tellHeld(instanceId);
  }

  /** Its CPU runs from now on. */
  run(instanceId: string): void {
    const guest = this.find(instanceId);
    if (guest !== undefined && this.#starting.delete(guest.pid)) this.#tellHeld(instanceId);
  }

  canWrite(instanceId: string): boolean {
    const guest = this.find(instanceId);
    const stands = this.isFrozen(instanceId) || this.isDying(instanceId);
    return guest?.status === "running" && !stands && !this.#starting.has(guest.pid);
  }

  /** A running guest writes to each of its volumes the number after the one that it finds there. */
  writeVolumes(instanceId: string): readonly VolumeWrite[] {
    if (!this.storageAnswers || !this.canWrite(instanceId)) return [];
    const opened = this.processOf(instanceId)?.volumes.opened ?? [];
    return opened.map(({ volumeId, epoch, file }) => {
      const found = file.writes;
      file.writes = found + 1;
      return { volumeId, epoch, found };
    });
  }

  #tellHeld(instanceId: string): void {
    const guest = this.known(instanceId);
    if (guest === undefined) return;
    const stands = this.isFrozen(instanceId) || this.isDying(instanceId);
    const held = stands || this.#starting.has(guest.pid) || guest.status === "paused";
    if (held === this.#held.has(guest.pid)) return;
    if (held) this.#held.add(guest.pid);
    else this.#held.delete(guest.pid);
    this.#told(held ? "guestHeld" : "guestFree", guest);
  }
}
