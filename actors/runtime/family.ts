/**
 * The children of one parent, an actor or the system itself, by name. nact copies the map of an actor's
 * children with every message it handles, so parents and children are kept here, and for nact all actors are
 * children of its silent root. It must never let two living actors of one parent have the same name: a name
 * is free again when its actor has ended.
 */
import type { ActorPicture, ActorRef } from "./system.ts";

interface Member extends ActorRef<never> {
  /** Itself and its children. */
  look(): Iterable<ActorPicture>;
}

export class Family {
  readonly #members = new Map<string, Member>();

  /** @throws Error when the name is taken: a bug of the caller. */
  add(member: Member): void {
    if (this.#members.has(member.name)) throw new Error(`An actor named ${member.name} exists already.`);
    this.#members.set(member.name, member);
  }

  remove(member: Member): void {
    if (this.#members.get(member.name) === member) this.#members.delete(member.name);
  }

  get size(): number {
    return this.#members.size;
  }

  youngestFirst(): readonly Member[] {
    return [...this.#members.values()].reverse();
  }

  /** All members and their children, the oldest first. */
  *look(): Iterable<ActorPicture> {
    for (const member of this.#members.values()) yield* member.look();
  }

  /** Stops all at once; resolves when all have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.youngestFirst().map((member) => member.stop()));
  }
}
