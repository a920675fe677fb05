/**
 * The smallest resident: a number with a version, in a store of its own that can be changed by others, be
 * away, hang, and have a commit conflict as often as a test says. All that happens is in `journal`, in order.
 */
import type { Commit, CommitResult, RequestRecord } from "../../actors/records/commit.ts";
import type { Decision, RequestFacts } from "../../actors/runtime/decision.ts";
import type { ResidentKind, ResidentOptions, Task } from "../../actors/runtime/resident.ts";
import type { Reply } from "../../actors/runtime/system.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";

export interface Toy {
  readonly version: number;
  readonly value: number;
}

export type ToyEvent =
  | { readonly kind: "add"; readonly amount: number; readonly request: RequestFacts; readonly nowMs: number }
  | { readonly kind: "seen"; readonly value: number }
  | { readonly kind: "nudge" };

export type ToyMessage =
  | {
      readonly kind: "add";
      readonly amount: number;
      readonly request: RequestFacts;
      readonly reply: Reply<number>;
    }
  | { readonly kind: "seen"; readonly value: number; readonly newest?: true; readonly reply?: Reply<number> }
  | { readonly kind: "nudge"; readonly urgent?: true; readonly doubtful?: true }
  | { readonly kind: "act" }
  | { readonly kind: "reload" }
  | { readonly kind: "crash" };

/** No sum may be greater. */
export const toyValueMax = 100;

export class ToyStore {
  readonly rows = new Map<string, Toy>();
  readonly requests = new Map<string, RequestRecord>();
  readonly journal: string[];
  /** So many commits find that others were faster: each raises the version first. */
  conflicts = 0;
  /** Thrown by every call. */
  fault: Error | undefined;
  /** Every call waits for it. */
  gate: Promise<void> | undefined;

  constructor(journal: string[]) {
    this.journal = journal;
  }

  put(id: string, value: number): void {
    this.rows.set(id, { version: (this.rows.get(id)?.version ?? 0) + 1, value });
  }

  load = async (id: string): Promise<Toy | undefined> => {
    await this.#call(`load ${id}`);
    return this.rows.get(id);
  };

  readonly operations = {
    request: async (_project: string, requestId: string): Promise<RequestRecord | undefined> => {
      await this.#call("request");
      return this.requests.get(requestId);
    },
  };

  commit = async ({ request, events = [] }: Commit): Promise<CommitResult> => {
    await this.#call("commit");
    const known = request === undefined ? undefined : this.requests.get(request.requestId);
    if (known !== undefined) return { kind: "duplicate", request: known };
    const [event] = events;
    const row = this.rows.get(event?.id ?? "");
    if (event === undefined || row === undefined) return { kind: "committed", lastSequence: 0 };
    if (this.conflicts > 0) {
      this.conflicts -= 1;
      this.put(event.id, row.value + 1);
      return { kind: "conflict" };
    }
    const { version, value } = event.body as { readonly version: number; readonly value: number };
    if (value > toyValueMax) return { kind: "hostFull", hostId: "h1" };
    if (version !== row.version + 1) return { kind: "conflict" };
    if (request !== undefined) this.requests.set(request.requestId, request);
    this.rows.set(event.id, { version, value });
    return { kind: "committed", lastSequence: 1 };
  };

  async #call(what: string): Promise<void> {
    this.journal.push(what);
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
  }
}

export class ToyKind implements ResidentKind<Toy, ToyEvent, ToyMessage, string> {
  readonly noun = "toy";
  readonly nudgeBackoffMsMin = 1_000;
  readonly nudgeBackoffMsMax = 4_000;
  readonly load: ToyStore["load"];
  readonly #journal: string[];

  constructor({ load, journal }: ToyStore) {
    this.load = load;
    this.#journal = journal;
  }

  notFound(id: string): StatusError {
    return new StatusError("instanceNotFound", `There is no toy ${id}.`);
  }

  taskOf(message: ToyMessage, id: string): Task<Toy, ToyEvent, string> {
    switch (message.kind) {
      case "add": {
        const { amount, request, reply } = message;
        const eventOf = (_: Toy, nowMs: number) => ({ kind: "add", amount, request, nowMs }) as const;
        return { kind: "command", request, reply, mayAsk: () => request.project !== "stranger", eventOf };
      }
      case "seen": {
        const { newest, reply, value } = message;
        return {
          kind: "news",
          reply,
          ...(newest && { knows: () => false }),
          eventOf: () => ({ kind: "seen", value }),
          settled: (next) => reply?.ok(next.value),
        };
      }
      case "nudge": {
        const { urgent = false, doubtful = false } = message;
        const judged = { isUrgent: () => urgent, isDoubtful: () => doubtful };
        return { kind: "nudge", ...judged, eventOf: () => ({ kind: "nudge" }) };
      }
      case "act":
        return { kind: "act", effectsOf: ({ value }) => [`tell ${id} ${value}`] };
      case "reload":
        return { kind: "reload" };
      case "crash":
        throw new Error("a bug");
    }
  }

  decide(toy: Toy, event: ToyEvent): Decision<Toy, string> {
    if (event.kind === "nudge")
      return { outcome: { kind: "unchanged" }, next: toy, commit: undefined, effects: ["again"] };
    if (event.kind === "seen") return event.value === toy.value ? unchanged(toy) : changed(toy, event.value);
    const value = toy.value + event.amount;
    if (value > toyValueMax) {
      const denial = { reason: "quotaExceeded", message: "It would be too much." } as const;
      return { ...unchanged(toy), outcome: { kind: "denied", denial } };
    }
    const { commit, ...decision } = changed(toy, value);
    const request = { ...event.request, answer: value, atMs: event.nowMs };
    return { ...decision, commit: { ...commit, request } };
  }

  act(effects: readonly string[]): void {
    this.#journal.push(...effects);
  }

  refused({ kind }: CommitResult): boolean {
    return kind === "hostFull";
  }
}

const unchanged = (toy: Toy): Decision<Toy, string> => {
  return { outcome: { kind: "unchanged" }, next: toy, commit: undefined, effects: [] };
};

function changed(toy: Toy, value: number): Decision<Toy, string> {
  const next = { version: toy.version + 1, value };
  const about = { project: "demo", noun: "toy", id: "t1", event: "changed", atMs: 0 };
  const commit = { events: [{ ...about, body: { ...next } }] };
  return { outcome: { kind: "accepted" }, next, commit, effects: [`tell ${value}`] };
}

export const toyOptions = (store: ToyStore, clock: Clock): ResidentOptions => {
  return { store, commit: store.commit, clock };
};

export const asked = (requestId: string, project = "demo", contentHash = "hash"): RequestFacts => {
  return { project, requestId, contentHash };
};
