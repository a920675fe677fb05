/**
 * Rows of a plug-in's resource for operators, whatever version of the plug-in has written them: shown as they
 * are kept, and removed by id. Never changed: nobody knows here what a field means.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { rawMethods } from "../../../protocol/raw-rows.ts";
import { nounInWords, type Resource, type ResourceRow } from "../../../protocol/wire/resource.ts";
import { answer } from "../../../protocol/wire/schema.ts";
import type { Handler } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import { rowRemoved } from "../request/row-changes.ts";

type Methods = typeof rawMethods;
type RawHandlers = { readonly [K in keyof Methods]: Handler<Methods[K]> };

/** Null for each field that may be null. */
const nulls = ({ kept }: Resource): Readonly<Record<string, null>> =>
  Object.fromEntries(
    Object.entries(kept).flatMap(([field, { anyOf }]) =>
      Array.isArray(anyOf) && anyOf.some(({ type }) => type === "null") ? [[field, null]] : [],
    ),
  );

export function rawHandlers(resource: Resource, options: CatalogOptions): RawHandlers {
  const { rows } = options.store;
  const validator = validatorOf(answer(resource.kept));
  const rawOf = (row: ResourceRow) => {
    // As it is read: what may be null and is not there is null.
    const read = { ...nulls(resource), ...row };
    const readable = validator.accepts(read);
    return { id: row.id, readable, ...(readable ? {} : { why: validator.explain(read) }), row: { ...row } };
  };
  const method = `${resource.noun}.discard`;
  return {
    raw: async ({ limit = wireLimits.pageLengthDefault, unreadable = false, marker }) => {
      const query = { limit, whole: true, ...(marker === undefined ? {} : { marker }) };
      const found = (await rows.list(resource, query)) as readonly ResourceRow[];
      const page = fitting(found.map(rawOf), jsonBytes);
      const shown = page.filter(({ readable }) => !unreadable || !readable);
      return { rows: [...shown], ...nextMarker(page, limit, found.length) };
    },
    discard: (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered(method, cause, async () => {
        const [row] = (await rows.called(resource, context.id)) as readonly ResourceRow[];
        if (row?.id !== context.id)
          throw new StatusError(
            "notFound",
            `There is no ${nounInWords(resource)} with the id ${context.id}.`,
          );
        const { id, name, project = adminProject } = row;
        const about = { noun: resource.noun, id, event: "deleted", project, body: { name } };
        const commit = { rows: [rowRemoved(resource, row)], ...catalogCommit(method, about, cause) };
        return commitOnce(commit, { id, name: String(name) }, { ...options, resource });
      });
    },
  };
}
