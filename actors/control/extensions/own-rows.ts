/**
 * Reads of a plug-in's own rows. A row that another version of the plug-in wrote may not be what its schema
 * says now: it is left out of lists with a line in the log, and who names it is told so. Reads nothing of
 * anybody else.
 */
import { nounInWords, type Resource, type ResourceRow, type RowOf } from "../../../protocol/wire/resource.ts";
import { answer } from "../../../protocol/wire/schema.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { type Validator, validatorOf } from "../../../protocol/wire/validate.ts";
import type { JoinedReads, RowReads } from "../../ports/row-reads.ts";
import { asRow } from "../request/row-changes.ts";
import { findRow, listedOwner, referringTo } from "../request/rows.ts";
import type { OwnRows } from "./definition.ts";
import { pluginFailed, type Territory } from "./own-commit.ts";

interface World {
  readonly territory: Territory;
  readonly rows: RowReads;
  readonly log: Log;
}

/** The store's reads, of the plug-in's own resources; a row that is named and cannot be read is refused. */
export function checkedReads(world: World): RowReads & JoinedReads {
  const { rows, territory } = world;
  const own = (resource: Resource): void => {
    if (!territory.resources.includes(resource))
      throw pluginFailed(territory.plugin, `it has no resource ${resource.noun} in its parts`);
  };
  const readable = reader(world);
  const reads: RowReads = {
    async called(resource, key, owner) {
      own(resource);
      const found = await rows.called(resource, key, owner);
      const good = found.filter((row) => readable(resource, row));
      if (good.length > 0 || found.length === 0) return good;
      throw new StatusError("unreadableRow", `The ${nounInWords(resource)} ${key} cannot be read.`);
    },
    async list(resource, query) {
      own(resource);
      return rows.list(resource, query);
    },
    async count(resource, owner) {
      own(resource);
      return rows.count(resource, owner);
    },
    async nextNumber(resource) {
      own(resource);
      return rows.nextNumber(resource);
    },
  };
  return {
    ...reads,
    async calledWith(resource, key, { owner, part, by }) {
      const found = await reads.called(resource, key, owner);
      const withParts = found.map(async (row) => ({
        row,
        parts: await referringTo(part, { [by]: [asRow(row).id] }, reads),
      }));
      return Promise.all(withParts);
    },
  };
}

/** What handlers of the plug-in read, within what their caller owns. */
export function ownRows(world: World): OwnRows {
  const reads = checkedReads(world);
  const readable = reader(world);
  return {
    find: (resource, context, key) => findRow(resource, { ...context, id: key }, reads),
    async list(resource, context, { limit, marker, name }) {
      const owner = listedOwner(resource, context);
      const query = { ...owner, limit, ...(name === undefined ? {} : { name }) };
      return readableRows(resource, reads, {
        ...query,
        ...(marker === undefined ? {} : { marker }),
        readable,
      });
    },
  };
}

export type Readable = (resource: Resource, row: object) => boolean;

/** Pages until there are as many as asked for, so that what is left out ends no list early. */
export async function readableRows<R extends Resource>(
  resource: R,
  reads: Pick<RowReads, "list">,
  { readable, ...query }: Parameters<RowReads["list"]>[1] & { readonly readable: Readable },
): Promise<readonly RowOf<R>[]> {
  const good: RowOf<R>[] = [];
  for (let marker = query.marker; ; ) {
    const page = await reads.list(resource, { ...query, ...(marker === undefined ? {} : { marker }) });
    good.push(...page.filter((row) => readable(resource, row)));
    const last = page.at(-1) as ResourceRow | undefined;
    if (page.length < query.limit || good.length >= query.limit || last === undefined)
      return good.slice(0, query.limit);
    marker = last.id;
  }
}

/** Whether a row is as its resource says; one that is not is told once. */
export function reader({ log, territory }: Pick<World, "log" | "territory">): Readable {
  const validators = new Map<Resource, Validator<unknown>>();
  const told = new Set<string>();
  return (resource, row) => {
    const validator = validators.get(resource) ?? validatorOf(answer(resource.kept));
    validators.set(resource, validator);
    if (validator.accepts(row)) return true;
    const { id } = row as ResourceRow;
    if (!told.has(id) && told.size < rowsToldMax) {
      told.add(id);
      const about = { plugin: territory.plugin, noun: resource.noun, id, why: validator.explain(row) };
      log.warn(about, "a row of a plug-in cannot be read, and is left out: another version of it wrote it");
    }
    return false;
  };
}

/** Rows of one plug-in that the log names; no more are told in the life of a controller. */
const rowsToldMax = 100;
