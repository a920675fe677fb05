/**
 * Requests that found a subnet full while commits of other requests were under way with addresses of the
 * subnet. They try again, one after the other: each time that a commit gives an address back, and once more
 * when no such commit is left. A waiting request holds no address, so no two requests wait for each other.
 */

interface Again<T> {
  readonly attempt: () => Promise<T>;
  /** Whether addresses of the subnet are on their way into commits. */
  readonly isComing: () => boolean;
  /** The client waits no more, and may have asked again: nothing may be made for this request. */
  readonly isLate: () => boolean;
  /** What is said then. */
  readonly refusal: unknown;
}

export class Patience {
  /** Errors of which the reason may pass, and the full subnet of each. */
  readonly #hopes = new WeakMap<Error, string>();
  /** By subnet: the last request in its line. */
  readonly #lines = new Map<string, Promise<unknown>>();
  /** By subnet: wakes the first request in its line. */
  readonly #waiting = new Map<string, () => void>();

  hope(error: Error, subnetId: string): void {
    this.#hopes.set(error, subnetId);
  }

  /** Undefined: it is as the error says. */
  hopedFor(thrown: unknown): string | undefined {
    return thrown instanceof Error ? this.#hopes.get(thrown) : undefined;
  }

  /** An address of the subnet came back, or none is on its way any more. */
  changed(subnetId: string): void {
    const wake = this.#waiting.get(subnetId);
    this.#waiting.delete(subnetId);
    wake?.();
  }

  /** @throws what `attempt` throws, when it is not for what is on its way of this subnet */
  again<T>(subnetId: string, again: Again<T>): Promise<T> {
    const before = this.#lines.get(subnetId) ?? Promise.resolve();
    const own = before.then(() => this.#untilSure(subnetId, again));
    const behind = own.then(nothing, nothing);
    this.#lines.set(subnetId, behind);
    void behind.then(() => {
      if (this.#lines.get(subnetId) === behind) this.#lines.delete(subnetId);
    });
    return own;
  }

  async #untilSure<T>(subnetId: string, { attempt, isComing, isLate, refusal }: Again<T>): Promise<T> {
    for (;;) {
      if (isLate()) throw refusal;
      try {
        return await attempt();
      } catch (thrown) {
        // For another subnet one waits in the line of that one: two might wait for each other.
        if (this.hopedFor(thrown) !== subnetId) throw thrown;
        if (!isLate() && isComing())
          await new Promise<void>((resolve) => this.#waiting.set(subnetId, resolve));
      }
    }
  }
}

const nothing = (): void => undefined;
