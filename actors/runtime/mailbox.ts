/**
 * The messages that wait for one actor, in order of arrival: a doubly linked list, so that an empty mailbox
 * costs next to nothing and a question whose asker has gone leaves at once instead of taking up a place.
 *
 * It survives a crash of its actor. It must never drop a message by itself: the sender must hear of a
 * refusal.
 */

/** The side of a question by which the runtime fails it when nobody answers. */
export interface Pending {
  readonly done: boolean;
  fail(error: Error): void;
}

/** A message on its way, with the question that it carries, if any. */
export class Envelope<M> {
  readonly message: M;
  readonly question: Pending | undefined;
  previous: Envelope<M> | undefined;
  next: Envelope<M> | undefined;
  inMailbox = false;

  constructor(message: M, question: Pending | undefined) {
    this.message = message;
    this.question = question;
  }
}

export class Mailbox<M> {
  #first: Envelope<M> | undefined;
  #last: Envelope<M> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  put(envelope: Envelope<M>): void {
    envelope.previous = this.#last;
    envelope.inMailbox = true;
    if (this.#last === undefined) this.#first = envelope;
    else this.#last.next = envelope;
    this.#last = envelope;
    this.#length += 1;
  }

  /** Takes the message that has waited longest; undefined when the mailbox is empty. */
  take(): Envelope<M> | undefined {
    const envelope = this.#first;
    if (envelope !== undefined) this.remove(envelope);
    return envelope;
  }

  /** Does nothing when the envelope was taken already. */
  remove(envelope: Envelope<M>): void {
    if (!envelope.inMailbox) return;
    const { previous, next } = envelope;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    envelope.previous = undefined;
    envelope.next = undefined;
    envelope.inMailbox = false;
    this.#length -= 1;
  }
}
