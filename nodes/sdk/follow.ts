/**
 * Calls that go on for longer than one request: watching events, following a console, waiting for an
 * operation. Each is a loop of long polls around a position, so an interruption of any kind costs only time.
 */
import type { Event } from "../../protocol/event.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { Operation } from "../../protocol/operation.ts";
import { pauseMs } from "../../protocol/wire/retry.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import type { Clients } from "./clients.ts";

export interface WatchOptions {
  /**
   * Number of the event to start after; 0: the oldest event that is kept. Absent: only events from now on.
   */
  readonly after?: number;
  readonly noun?: string;
  readonly id?: string;
  readonly signal?: AbortSignal;
}

export interface ConsoleOptions {
  /** True: go on as the log grows, until the signal is aborted or the instance is gone. */
  readonly follow?: boolean;
  /** Byte position to start at. */
  readonly offset?: number;
  /** Number of last lines to start with. */
  readonly tailLines?: number;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** Called with every answer, at least once in wireLimits.waitMsMax. */
  readonly onProgress?: (operation: Operation) => void;
  readonly signal?: AbortSignal;
}

export interface Followers {
  /**
   * Yields every event once and in order, for ever; continues by itself after any interruption.
   * @throws ABORTED eventsTrimmed when it was interrupted for so long that events are no longer kept
   */
  watch(options?: WatchOptions): AsyncGenerator<Event, void, void>;
  /** Yields the console's text, in pieces. */
  console(instanceId: string, options?: ConsoleOptions): AsyncGenerator<string, void, void>;
  /**
   * Waits for the end of an operation, and answers it when it ended well. @throws the operation's error;
   * ABORTED cancelled
   */
  waitFor(operation: Pick<Operation, "id">, options?: WaitOptions): Promise<Operation>;
}

interface World {
  readonly clock: Clock;
  readonly random: () => number;
}

export function createFollowers(clients: Clients, world: World): Followers {
  const patiently = patience(world);
  return {
    watch: (options = {}) => watch(clients, patiently, options),
    console: (instanceId, options = {}) => follow({ clients, patiently, instanceId }, options),
    waitFor: (operation, options = {}) => waitFor({ clients, patiently, id: operation.id }, options),
  };
}

/** Repeats a call until it succeeds or fails for good; ends when the signal is aborted. */
type Patiently = <A>(call: () => Promise<A>, signal: AbortSignal | undefined) => Promise<A>;

/** Goes on repeating after the deadline at which the client's own retries end. */
function patience({ clock, random }: World): Patiently {
  return async (call, signal) => {
    for (let attempt = 0; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        return await call();
      } catch (thrown) {
        const ms = pauseMs(thrown, attempt, { random });
        if (ms === undefined) throw thrown;
        await new Promise<void>((resolve) => clock.after(ms, resolve));
      }
    }
  };
}

const withSignal = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

async function* watch(clients: Clients, patiently: Patiently, options: WatchOptions) {
  const { after, signal, ...scope } = options;
  const list = (position: Partial<Parameters<Clients["event"]["list"]>[0]>) =>
    patiently(
      () =>
        clients.event.list({ ...scope, ...position, limit: wireLimits.pageLengthMax }, withSignal(signal)),
      signal,
    );
  // The start position is read before anything is waited for: an interruption must not move it.
  let position = after ?? (await list({})).last;
  for (;;) {
    const page = await list({ after: position, waitMs: wireLimits.waitMsMax });
    if (position > 0 && page.trimmed > position) throw trimmed(position, page.trimmed);
    for (const event of page.events) {
      if (event.sequence <= position) continue;
      position = event.sequence;
      yield event;
    }
    position = Math.max(position, page.last);
  }
}

const trimmed = (position: number, until: number): StatusError =>
  new StatusError("eventsTrimmed", `The events ${position + 1} to ${until} are no longer kept.`, {
    details: { trimmed: until },
  });

interface Followed {
  readonly clients: Clients;
  readonly patiently: Patiently;
  readonly instanceId: string;
}

async function* follow({ clients, patiently, instanceId }: Followed, options: ConsoleOptions) {
  const { signal } = options;
  const read = (from: { offset?: number; tailLines?: number; waitMs?: number }) =>
    patiently(() => clients.instance.console(instanceId, from, withSignal(signal)), signal);
  const start = options.tailLines === undefined ? {} : { tailLines: options.tailLines };
  let page = await read(options.offset === undefined ? start : { offset: options.offset });
  for (;;) {
    if (page.text !== "") yield page.text;
    if (!page.more && options.follow !== true) return;
    try {
      page = await read({ offset: page.nextOffset, waitMs: page.more ? 0 : wireLimits.waitMsMax });
    } catch (thrown) {
      if (thrown instanceof StatusError && thrown.code === "NOT_FOUND") return;
      throw thrown;
    }
  }
}

interface WaitedFor {
  readonly clients: Clients;
  readonly patiently: Patiently;
  readonly id: string;
}

async function waitFor({ clients, patiently, id }: WaitedFor, options: WaitOptions): Promise<Operation> {
  const { signal, onProgress } = options;
  for (;;) {
    const { operation } = await patiently(
      () => clients.operation.get(id, { waitMs: wireLimits.waitMsMax }, withSignal(signal)),
      signal,
    );
    onProgress?.(operation);
    if (operation.state === "done") return operation;
    if (operation.state === "running") continue;
    if (operation.error !== null) throw StatusError.fromBody(operation.error);
    throw new StatusError("cancelled", `The operation ${operation.kind} ended as ${operation.state}.`);
  }
}
