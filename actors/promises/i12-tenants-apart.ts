/**
 * I12: a client of one project is told nothing of another's, reaches nothing of another's, and watches only
 * its own. Operators, who ask in the project admin, see all.
 */
import { adminProject } from "../../protocol/wire/subjects.ts";
import { type Call, createCalls, fieldsOf } from "./calls.ts";
import type { Checker, Watched } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

export function tenantsApart(): Checker {
  const calls = createCalls();
  /** The project of each instance. */
  const owners = new Map<string, string>();
  return {
    promise: "I12",
    see(fact) {
      if (fact.kind === "watched") return watched(fact);
      if (isCommitted(fact)) {
        for (const { row } of fact.commit.instances ?? []) owners.set(row.id, row.project);
      }
      const call = calls.endOf(fact);
      if (call?.completed.outcome !== "ok") return [];
      learn(owners, call);
      return call.invoked.project === adminProject ? [] : [...reached(owners, call), ...told(call)];
    },
  };
}

function watched({ watcher, project, event }: Watched): readonly string[] {
  if (project === adminProject || project === event.project) return [];
  return [`Watcher ${watcher} of ${project} was handed event ${event.sequence} of ${event.project}.`];
}

/**
 * Learns the owner of an instance: its creator's project. From outside only the answer to a create shows it.
 */
function learn(owners: Map<string, string>, { invoked, completed }: Call): void {
  if (invoked.method !== "instance.create") return;
  const { instance, all } = completed.answer ?? {};
  const made = Array.isArray(all) ? all.map((one) => fieldsOf(one).instance) : [instance];
  for (const { id } of made.map(fieldsOf)) {
    if (typeof id === "string" && !owners.has(id)) owners.set(id, invoked.project);
  }
}

function reached(owners: ReadonlyMap<string, string>, { invoked }: Call): readonly string[] {
  const { method, id, project, client } = invoked;
  const owner = method.startsWith("instance.") ? owners.get(id) : undefined;
  if (owner === undefined || owner === project) return [];
  return [`${client} of ${project} had ${method} done to instance ${id} of ${owner}.`];
}

const parts = ["instance", "instances", "operation", "operations", "events", "all"] as const;

function told({ invoked, completed }: Call): readonly string[] {
  const { client, project, method } = invoked;
  return things(completed.answer).flatMap((thing) => {
    if (typeof thing.project !== "string" || thing.project === project || isOpen(thing)) return [];
    return [`${client} of ${project} was told of ${thing.id} of ${thing.project} by ${method}.`];
  });
}

/** Of another project's images those are shown that it shares with this one, or with all (V12). */
const isOpen = ({ visibility, memberStatus }: Fields): boolean =>
  visibility === "public" || visibility === "community" || memberStatus !== undefined;

/** What an answer shows in its fields: rows of any noun, of plug-ins too. */
const things = (answer: unknown): readonly Fields[] =>
  Object.values(fieldsOf(answer)).flatMap((shown) =>
    (Array.isArray(shown) ? shown : [shown]).flatMap((thing) => [fieldsOf(thing), ...inside(thing)]),
  );

type Fields = Readonly<Record<string, unknown>>;

/** What is inside what is shown; free texts, such as metadata, are not searched. */
function inside(thing: unknown): readonly Fields[] {
  const fields = fieldsOf(thing);
  return parts.flatMap((part) => fields[part] ?? []).flatMap((one) => [fieldsOf(one), ...inside(one)]);
}
