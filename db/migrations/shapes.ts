/**
 * The parts of SQL that follow from the fields of a record, for migrations that make functions. What a
 * released migration gets from here must stay the same for ever: lists of fields belong into the migration.
 */
type Shape = readonly (readonly [field: string, type: string])[];

/** `"a text, bMs bigint"` as pairs. */
export const shape = (fields: string): Shape =>
  fields.split(", ").map((field) => {
    const [name = "", type = ""] = field.split(" ");
    return [name, type];
  });

const column = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `r` is the row that arrived, `t` the one that is there. */
export const record = (fields: Shape) => ({
  definition: fields.map(([name, type]) => `"${name}" ${type}`).join(", "),
  columns: fields.map(([name]) => column(name)).join(", "),
  values: fields.map(([name]) => `r."${name}"`).join(", "),
  assignments: fields.map(([name]) => `${column(name)} = r."${name}"`).join(", "),
  excluded: fields.map(([name]) => `${column(name)} = excluded.${column(name)}`).join(", "),
  /** Whether a row that is there differs from the one that is being inserted. */
  differs: `(${fields.map(([name]) => `t.${column(name)}`).join(", ")}) is distinct from (${fields
    .map(([name]) => `excluded.${column(name)}`)
    .join(", ")})`,
});

/** Ends the turn with this result (decision 0002). */
export const refuse = (result: string) => `raise exception using errcode = 'NV001', message = ${result}`;
