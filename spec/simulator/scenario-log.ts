/**
 * The log of a scenario: what a reader needs of the facts, one line each, in simulated seconds since the
 * cluster was up. Instances have their names; what nobody asked about (heartbeats, messages) is left out.
 */
import type { Completed, Fact, GuestProcess, Invoked, Quiet } from "../../actors/promises/facts.ts";
import type { Commit } from "../../actors/records/commit.ts";
import { setUpMs } from "./plan.ts";
import { idPattern } from "./trace.ts";

export class ScenarioLog {
  readonly lines: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #states = new Map<string, string>();
  readonly #calls = new Map<number, Invoked>();

  /** The youngest instance of that name. */
  idOf(name: string): string | undefined {
    return [...this.#names].find(([, known]) => known === name)?.[0];
  }

  note(atMs: number, who: string, what: string): void {
    const seconds = ((atMs - setUpMs) / 1_000).toFixed(1).padStart(6);
    this.lines.push(`${seconds}  ${who.padEnd(5)}  ${this.#named(what)}`.trimEnd());
  }

  see(fact: Fact): void {
    if (fact.atMs < setUpMs) return;
    switch (fact.kind) {
      case "invoked":
        this.#calls.set(fact.call, fact);
        this.note(fact.atMs, fact.client, `asks: ${this.#asked(fact)}`);
        break;
      case "completed":
        this.#completed(fact);
        break;
      case "committed":
        if (fact.result.kind === "committed") this.#committed(fact.atMs, fact.by, fact.commit);
        else if (fact.result.kind !== "conflict") this.note(fact.atMs, fact.by, `hears: ${fact.result.kind}`);
        break;
      case "guestStarted":
      case "guestEnded":
        this.#guest(fact);
        break;
      case "quiet":
        this.#quiet(fact);
        break;
      default:
        break;
    }
  }

  #asked({ method, id, request }: Invoked): string {
    const [noun, verb] = method.split(".");
    if (noun !== "instance")
      return [method, id, ...fieldsIn(request)].filter((part) => part !== "").join(" ");
    const { name, count, wait, mode, ...more } = request as Readonly<Record<string, unknown>>;
    const parts = [
      ...[verb, mode, id === "" ? name : id, count === undefined ? undefined : `×${String(count)}`],
      ...fieldsIn(more).filter((field) => /^(?:serverGroup|availabilityZone|atLeast|reason)=/.test(field)),
    ];
    return [...parts, wait === true ? "and waits" : undefined].filter((part) => part !== undefined).join(" ");
  }

  #completed({ atMs, call, outcome, answer, code, reason }: Completed): void {
    const asked = this.#calls.get(call);
    if (asked === undefined) return;
    const { instance, operation, instances } = (answer ?? {}) as Answer;
    const seen = instance === undefined ? "" : ` ${instance.state}`;
    const ended = operation === undefined ? "" : `, ${operation.kind} ${operation.state}`;
    const list = instances === undefined ? "" : ` ${instances.length}`;
    const told = outcome === "ok" ? `ok${seen}${ended}${list}` : `${outcome}: ${code} (${reason})`;
    this.note(atMs, asked.client, `hears of ${this.#asked(asked)}: ${told}`);
  }

  #committed(atMs: number, by: string, commit: Commit): void {
    const say = (what: string) => this.note(atMs, by, what);
    for (const { row } of commit.instances ?? []) this.#know(row.id, row.name);
    for (const { id, noun, event, body } of commit.events ?? []) {
      if (surrounding.has(noun)) say(`${noun} ${named(id, body)} ${event}`);
      const { command, cause, reason, hostId } = body as EventBody;
      if (event === "accepted") say(`${id}: ${command ?? "create"} accepted${because(cause)}`);
      if (noun === "instance" && event === "changed")
        say(`${id}: ${command} ${body.changed === true ? "written" : "changes nothing"}`);
      if (event === "placed") say(`${id}: placed on ${hostId}`);
      if (event === "enabled" || event === "disabled") say(`${id} is ${event}${because(reason)}`);
    }
    for (const { instanceId, ownerEpoch, hostId } of commit.claims ?? [])
      say(`${instanceId}: claims room on ${hostId}, epoch ${ownerEpoch}`);
    for (const { row } of commit.instances ?? []) {
      const before = this.#states.get(row.id);
      if (before !== row.state) say(`${row.id}: ${before ?? "nothing"} → ${row.state}`);
      this.#states.set(row.id, row.state);
    }
    for (const { instanceId, ownerEpoch } of commit.claimsReleased ?? [])
      say(`${instanceId}: gives the room of epoch ${ownerEpoch} back`);
    for (const { entityId, kind, state, error } of commit.operations ?? [])
      if (state !== "running") say(`${entityId}: ${kind} ${state}${because(error?.reason)}`);
  }

  #guest({ kind, atMs, hostId, instanceId, ownerEpoch }: GuestProcess): void {
    const what = kind === "guestStarted" ? "starts" : "ends";
    this.note(atMs, hostId, `the process of ${instanceId} ${what}, epoch ${ownerEpoch}`);
  }

  #quiet({ atMs, instances, hosts, guests, findings, events }: Quiet): void {
    const say = (what: string) => this.note(atMs, "rest", what);
    for (const { id, state, hostId } of instances)
      say(`${id} is ${state}${hostId === null ? "" : ` on ${hostId}`}`);
    for (const { hostId, instanceId, running } of guests)
      say(`${hostId} has a process of ${instanceId}${running ? "" : ", which does not run"}`);
    const claimed = hosts.map(({ id, claimed: { vcpus } }) => `${id} ${vcpus}`);
    say(`claimed vCPUs: ${claimed.join(", ")}; events: ${events.length}; doctor: ${findings.length}`);
    for (const { kind, subject, message } of findings) say(`${kind}: ${subject}: ${message}`);
  }

  #know(id: string, name: string): void {
    if (this.#names.has(id)) return;
    const taken = [...this.#names.values()];
    const free = (count: number): string => {
      const wanted = count === 1 ? name : `${name}.${count}`;
      return taken.includes(wanted) ? free(count + 1) : wanted;
    };
    this.#names.set(id, free(1));
  }

  #named(text: string): string {
    return text.replace(idPattern, (id) => this.#names.get(id) ?? "…");
  }
}

/** Nouns whose events are told as they are. */
const surrounding: ReadonlySet<string> = new Set(["server-group", "aggregate", "quota", "actor"]);

const named = (id: string, body: object): string => ("name" in body ? String(body.name) : id);

const fieldsIn = (request: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(request).map(([name, value]) => `${name}=${String(value)}`);

const because = (reason: string | null | undefined): string => (reason ? ` (${reason})` : "");

interface EventBody {
  readonly command?: string;
  readonly cause?: string;
  readonly reason?: string | null;
  readonly hostId?: string;
}

interface Answer {
  readonly instance?: { readonly state: string };
  readonly operation?: { readonly kind: string; readonly state: string };
  readonly instances?: readonly unknown[];
}
