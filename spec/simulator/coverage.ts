/** What a run has tried: commands, faults, and which admissions of the table it has been in. */

import { admission } from "../../actors/control/instance/admission.ts";
import type { Fact } from "../../actors/promises/facts.ts";
import type { PacketFact } from "../../actors/promises/network-facts.ts";
import type { InstanceState } from "../../protocol/states.ts";

/** Those that accept: a command that is denied leaves no turn behind. */
const admissionsInAll = Object.values(admission).flatMap((row) =>
  Object.values(row).filter(({ kind }) => kind !== "deny"),
).length;

/** Counters by kind: of commands, faults, answers, fences, commits, crashes and packets. */
export const counted = ["commands", "faults", "outcomes", "fences", "commits", "crashes", "packets"] as const;

/** Words for ways over routers. */
const ways = { routed: "routed", leaves: "leaving", comes: "coming" } as const;

export class Coverage {
  readonly commands: Record<string, number> = {};
  readonly faults: Record<string, number> = {};
  readonly outcomes: Record<string, number> = {};
  /** By the kind of their proof. */
  readonly fences: Record<string, number> = {};
  /** What the store said of turns. */
  readonly commits: Record<string, number> = {};
  /** Turns that were broken, by the kind of their message. */
  readonly crashes: Record<string, number> = {};
  /** Packets between guests, and from and to outside: what became of them. */
  readonly packets: Record<string, number> = {};
  readonly admissions = new Set<string>();
  readonly #states = new Map<string, InstanceState>();
  facts = 0;

  static readonly admissionsMax: number = admissionsInAll;

  command(kind: string): void {
    this.commands[kind] = (this.commands[kind] ?? 0) + 1;
  }

  fault(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
  }

  #packet({ forged, delivered, isAnswer, connection, way, flow }: PacketFact): void {
    const honest = connection === undefined ? (isAnswer ? "answer" : "packet") : "going on";
    const what = forged === null ? honest : `forged ${forged}`;
    const where = way === undefined ? "" : `${ways[way.kind]} `;
    const version = flow.source.includes(":") ? "IPv6 " : "";
    const key = `${version}${where}${what} ${delivered ? "delivered" : "dropped"}`;
    this.packets[key] = (this.packets[key] ?? 0) + 1;
  }

  crash(message: string): void {
    this.crashes[message] = (this.crashes[message] ?? 0) + 1;
  }

  see(fact: Fact): void {
    this.facts += 1;
    if (fact.kind === "packet") this.#packet(fact);
    if (fact.kind === "completed") {
      const key = fact.reason ?? fact.outcome;
      this.outcomes[key] = (this.outcomes[key] ?? 0) + 1;
    }
    if (fact.kind === "committed") this.commits[fact.result.kind] = (this.commits[fact.result.kind] ?? 0) + 1;
    if (fact.kind !== "committed" || fact.result.kind !== "committed") return;
    for (const { proof } of fact.commit.leasesFenced ?? [])
      this.fences[proof.kind] = (this.fences[proof.kind] ?? 0) + 1;
    for (const event of fact.commit.events ?? []) {
      const { command } = event.body as { readonly command?: string };
      const state = this.#states.get(event.id);
      if (event.event === "accepted" && command !== undefined && state !== undefined)
        this.admissions.add(`${state}/${command}`);
    }
    for (const { row } of fact.commit.instances ?? []) this.#states.set(row.id, row.state);
  }

  /** Takes in what another run has tried. */
  add(other: Coverage): void {
    for (const key of counted)
      for (const [kind, count] of Object.entries(other[key]))
        this[key][kind] = (this[key][kind] ?? 0) + count;
    for (const admission of other.admissions) this.admissions.add(admission);
    this.facts += other.facts;
  }
}
