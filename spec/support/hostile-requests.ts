/**
 * A sound request to create an instance, spoilt in one field at a time: for every type of value, and every
 * field.
 */
const sound = { name: "web", flavor: "small", image: "tiny", metadata: { a: "b" }, count: 1, wait: false };

/** A value of every type there is. */
const values: Readonly<Record<string, unknown>> = {
  null: null,
  boolean: true,
  integer: 7,
  fraction: 1.5,
  string: "a\nb",
  array: ["a"],
  object: { a: 1 },
};

/** The types that each field accepts; wrong values of the right type have tests of their own. */
const takes: Readonly<Record<string, readonly string[]>> = {
  name: [],
  flavor: [],
  image: [],
  metadata: [],
  count: ["integer"],
  wait: ["boolean"],
};

export const hostileCreates: readonly {
  readonly name: string;
  readonly body: object;
  readonly field: string;
  /** Absent: schemaMismatch. */
  readonly reason?: string;
}[] = [
  ...Object.entries(takes).flatMap(([field, right]) =>
    Object.entries(values)
      .filter(([type]) => !right.includes(type))
      .map(([type, value]) => ({
        name: `a value of type ${type} in ${field}`,
        body: { ...sound, [field]: value },
        // In a map the value of the key is wrong.
        field: field === "metadata" && type === "object" ? "metadata.a" : field,
      })),
  ),
  ...["name", "flavor"].map((field) => ({
    name: `no ${field}`,
    body: Object.fromEntries(Object.entries(sound).filter(([name]) => name !== field)),
    field,
  })),
  {
    ...{ name: "a field that does not exist", body: { ...sound, hostId: "h1" }, field: "hostId" },
    reason: "unknownField",
  },
  { name: "too large a count", body: { ...sound, count: 1_001 }, field: "count" },
  { name: "a negative count", body: { ...sound, count: -1 }, field: "count" },
  { name: "too long a name", body: { ...sound, name: "x".repeat(256) }, field: "name" },
];
