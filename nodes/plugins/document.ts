/**
 * What a plug-in adds to the API, as tables for its authors' README: its methods with their fields, the
 * objects that they answer, and how many of its resources a project may have. Pure.
 */
import type { TSchema } from "@sinclair/typebox";
import { extensionLimits } from "../../actors/control/extensions/limits.ts";
import { withRawMethods } from "../../protocol/raw-rows.ts";
import { limitNameOf, type Resource } from "../../protocol/wire/resource.ts";
import type { LoadedPlugin } from "./load.ts";
import { commandSubject, fieldTable, serviceText, type TableContext } from "./method-tables.ts";

/** `SignalFlag` of `signalFlag`. */
const titleOf = ({ one }: Resource): string => `${one.slice(0, 1).toUpperCase()}${one.slice(1)}`;

/** Undefined: it adds nothing to the API. */
export function pluginDocument({ parts }: Pick<LoadedPlugin, "parts">): string | undefined {
  const { resources = [], services = [], actions = [] } = parts;
  if (services.length + actions.length + resources.length === 0) return undefined;
  const types = Object.fromEntries(resources.map((one): [string, TSchema] => [titleOf(one), one.shape]));
  const context: TableContext = { types, subjectOf: commandSubject };
  const objects = resources.flatMap((one) => [
    `### ${titleOf(one)}`,
    "",
    ...fieldTable(titleOf(one), one.shape, ["Fields", "field"], context),
  ]);
  const all = [
    ...services.map(({ service }) => withRawMethods(service, resources)),
    ...actions.map(({ service }) => service),
  ];
  return [...all.flatMap((one) => serviceText(one, context)), ...objects, ...limitsOf(resources)]
    .join("\n")
    .trim();
}

function limitsOf(resources: readonly Resource[]): readonly string[] {
  if (resources.length === 0) return [];
  const { rowBytesMax, eventBytesMax } = extensionLimits;
  const limited = resources.flatMap((one) =>
    one.limit === undefined ? [] : [{ name: limitNameOf(one), ...one.limit }],
  );
  return [
    "### Limits",
    "",
    "| limit | value | |",
    "| --- | --- | --- |",
    ...limited.map(
      ({ name, most, of }) => `| \`${name}\` | ${most} | of a ${of}, unless its quota says otherwise |`,
    ),
    `| \`rowBytesMax\` | ${rowBytesMax} | bytes of one row, as JSON |`,
    `| \`eventBytesMax\` | ${eventBytesMax} | bytes of the body of one event, as JSON |`,
    "",
  ];
}
