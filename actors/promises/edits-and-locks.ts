/**
 * The part of I4 about what people write: an edit changes what its request asks for and nothing else, also
 * beside others at the same moment; nothing else changes name, description, metadata or lock; and while an
 * instance is locked its project changes nothing of it. Judged by the commits, and by the answers to edits.
 */
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Commit, RequestRecord } from "../records/commit.ts";
import type { InstanceRecord } from "../records/instance.ts";
import { type Call, createCalls, fieldsOf } from "./calls.ts";
import { same } from "./equality.ts";
import type { Fact, Invoked } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";

export interface EditsAndLocks {
  see(fact: Fact): readonly string[];
}

const edits: ReadonlySet<string> = new Set(["instance.set", "instance.lock", "instance.unlock"]);

export function editsAndLocks(): EditsAndLocks {
  const calls = createCalls();
  const ledger = createLedger();
  /** The edits that were asked for, by project and request id. */
  const asked = new Map<string, Invoked>();
  return {
    see(fact) {
      if (fact.kind === "invoked" && edits.has(fact.method)) asked.set(keyOf(fact), fact);
      if (isCommitted(fact)) {
        const broken = committedFaults(ledger, fact.commit, asked);
        ledger.apply(fact.commit);
        return broken;
      }
      const call = calls.endOf(fact);
      return call?.completed.outcome === "ok" && edits.has(call.invoked.method) ? answerFaults(call) : [];
    },
  };
}

const keyOf = ({ project, requestId }: Pick<RequestRecord, "project" | "requestId">): string =>
  `${project} ${requestId}`;

function committedFaults(
  ledger: Ledger,
  { instances = [], request }: Commit,
  asked: ReadonlyMap<string, Invoked>,
): readonly string[] {
  return instances.flatMap(({ row }) => {
    const before = ledger.row(row.id);
    if (before === undefined) return [];
    const edit = request && asked.get(keyOf(request));
    return [
      ...(request === undefined ? [] : lockFaults(before, request, edit)),
      ...writtenFaults(before, row, edit),
    ];
  });
}

/** A locked instance is changed by operators, and its project may lock it again or lift its own lock. */
function lockFaults(
  { id, lock, deletedAtMs }: InstanceRecord,
  request: RequestRecord,
  edit: Invoked | undefined,
): readonly string[] {
  if (lock === null || deletedAtMs !== null || request.project === adminProject) return [];
  if (edit?.method === "instance.lock") return [];
  if (edit?.method === "instance.unlock" && lock.by === "project") return [];
  return [`Instance ${id} was locked by ${lock.by}, and request ${request.requestId} was carried out.`];
}

type Written = Pick<InstanceRecord, "name" | "description" | "metadata"> & {
  readonly lock: { readonly by: string; readonly reason: string | null } | null;
};

const writtenOf = ({ name, description, metadata, lock }: InstanceRecord): Written => ({
  ...{ name, description, metadata },
  lock: lock && { by: lock.by, reason: lock.reason },
});

function writtenFaults(
  before: InstanceRecord,
  row: InstanceRecord,
  edit: Invoked | undefined,
): readonly string[] {
  const expected = edit === undefined ? writtenOf(before) : writtenAfter(before, edit);
  const found = writtenOf(row);
  const wrong = (Object.keys(expected) as (keyof Written)[]).filter(
    (key) => !same(expected[key], found[key]),
  );
  const why =
    edit === undefined ? "nobody asked for it" : `${edit.method} ${edit.requestId} asked for another`;
  const written = wrong.map(
    (key) => `Instance ${row.id}: its ${key} is ${JSON.stringify(found[key])} now, and ${why}.`,
  );
  if (edit === undefined || (before.generation === row.generation && before.hostId === row.hostId))
    return written;
  return [
    ...written,
    `Instance ${row.id}: ${edit.method} ${edit.requestId} changed more than what is written.`,
  ];
}

/** The texts and the lock after this edit. */
function writtenAfter(before: InstanceRecord, { method, project, request }: Invoked): Written {
  const written = writtenOf(before);
  const { name = before.name, description = before.description, metadata, reason } = request;
  if (method === "instance.set") {
    const pairs = Object.entries({ ...before.metadata, ...fieldsOf(metadata) });
    const kept = Object.fromEntries(pairs.filter(([, value]) => value !== null));
    return { ...written, ...({ name, description, metadata: kept } as Omit<Written, "lock">) };
  }
  const by = project === adminProject ? "operators" : "project";
  const { lock } = written;
  if (method === "instance.unlock") return { ...written, lock: null };
  if (lock?.by === "operators" && by === "project") return written;
  return { ...written, lock: { by, reason: (reason as string | undefined) ?? lock?.reason ?? null } };
}

/** The answer shows what was asked for. */
function answerFaults({ invoked, completed }: Call): readonly string[] {
  const { method, requestId, request } = invoked;
  const { name, description, metadata, locked } = fieldsOf(fieldsOf(completed.answer).instance);
  const pairs = fieldsOf(metadata);
  const right =
    method === "instance.set"
      ? (request.name ?? name) === name &&
        (request.description === undefined || request.description === description) &&
        Object.entries(fieldsOf(request.metadata)).every(([key, value]) => (pairs[key] ?? null) === value)
      : locked === (method === "instance.lock");
  return right
    ? []
    : [`${method} ${requestId} was answered, and the answer does not show what it asked for.`];
}
