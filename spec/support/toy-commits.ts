/** Random commits of rows of a plug-in, for specs that hold two stores against each other. */
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { RowChange } from "../../actors/records/rows.ts";
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { called } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { flag, note, window } from "./toy-extension.ts";

interface Step {
  readonly instance: number;
  readonly request: number;
  readonly amount: number;
  /** 0: the right version; otherwise the version is off by this. */
  readonly stale: number;
}

/**
 * Makes, changes or removes a row or two, often with a name that is taken or an id that is not there; or sets
 * a limit.
 */
export async function toyChange(prefix: string, it: Step, store: Store): Promise<Commit> {
  const { instance, request, amount, stale } = it;
  const resource: Resource = [flag, note, window][instance % 3] ?? flag;
  const id = `${prefix}-x${amount}`;
  const own = { ...fieldsOf(resource, it), ...ownerOf(resource, prefix) };
  const row = { id, name: `${prefix}-n${request % 2}`, createdAtMs: rows.wallMs, ...own };
  if (request === 6)
    return { quotas: [{ project: prefix, extensions: { "acme.signalFlags": limitOf(it) } }] };
  if (request > 3) {
    const before = await called(store, resource, id);
    const { version = 1 } = (before ?? {}) as Partial<ResourceRow>;
    return { rows: [change(resource, { ...row, version: version + 1 + stale })] };
  }
  if (stale === 1) return { rows: [{ resource, removed: id }] };
  const twin = { ...row, id: `${id}-b`, name: `${row.name}${stale}` };
  return { rows: [row, ...(stale === 0 ? [twin] : [])].map((one) => ({ resource, made: made(one) })) };
}

const limitOf = ({ amount }: Step): number | null => (amount === 0 ? null : amount - 1);
const made = (row: object): ResourceRow => ({ version: 1, ...row }) as ResourceRow;
const change = (resource: Resource, row: object): RowChange => ({ resource, changed: row as ResourceRow });

const ownerOf = ({ owner }: Resource, project: string) =>
  owner === "cell" ? {} : owner === "project" ? { project } : { project, user: project };

function fieldsOf(resource: Resource, { amount, request }: Step): object {
  if (resource.noun === flag.noun) return { color: amount > 1 ? "red" : "blue", raised: request % 2 === 0 };
  if (resource.noun === note.noun) return { words: Array.from({ length: amount }, (_, n) => `'${n}"`) };
  return { hostId: `h${amount}`, fromMs: amount, toMs: request };
}
