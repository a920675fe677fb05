/** Failures of verbs of a fake world that a test has asked for: each happens once, in order. */
import type { StatusError } from "../../../protocol/wire/status.ts";
import { abortError, throwIfAborted } from "../waiting.ts";
import type { FakeVerb } from "./process.ts";

interface Injection {
  readonly verb: FakeVerb;
  /** Absent: the next call for any instance. */
  readonly instanceId: string | undefined;
  /** `hang`: the call hangs until it is aborted. */
  readonly outcome: StatusError | "hang";
}

export class Injections {
  readonly #waiting: Injection[] = [];

  add(injection: Injection): void {
    this.#waiting.push(injection);
  }

  /** @throws the injected error; AbortError */
  async enter(verb: FakeVerb, instanceId: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const index = this.#waiting.findIndex(
      (one) => one.verb === verb && (one.instanceId === undefined || one.instanceId === instanceId),
    );
    if (index < 0) return;
    const [injection] = this.#waiting.splice(index, 1);
    if (injection?.outcome === "hang") await untilAborted(signal);
    else if (injection !== undefined) throw injection.outcome;
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(abortError()), { once: true });
  });
}
