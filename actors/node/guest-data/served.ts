/**
 * What a guest finds at its host by HTTP: the documents of OpenStack below `/openstack/`, as the config drive
 * has them, and Amazon's tree below each of its versions, in which every field is a path of its own. A path
 * that others lie below is a list of their names. Pure.
 */
import {
  type AmazonMetaData,
  amazonMetaData,
  amazonVersions,
  type Documents,
  documentsOf,
  type Told,
} from "./documents.ts";

export interface Served {
  /** As HTTP names types. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** Old images ask for the first of them. Source: openstack/nova, nova/api/metadata/base.py. */
const oldVersions = [
  ...["1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01"],
  "2008-09-01",
];
const versions = [...oldVersions, ...amazonVersions];

/** The document or list at a path, which begins with a slash. Undefined: no path of a guest. */
export function servedAt(told: Told, path: string): Served | undefined {
  const parts = path.split("/").filter(Boolean);
  const [first = "", ...rest] = parts;
  if (first === "") return list(versions);
  const documents = documentsOf(told);
  if (first === "openstack") return inTree(openStackTree(documents), rest, false);
  if (!versions.includes(first)) return undefined;
  return inTree(amazonTree(told, documents), rest, true);
}

interface Tree {
  readonly [name: string]: Tree | Served;
}

function openStackTree(documents: Documents): Tree {
  const tree: Record<string, Record<string, Served>> = {};
  for (const [path, bytes] of documents) {
    const [top = "", version = "", name = ""] = path.split("/");
    if (top !== "openstack") continue;
    tree[version] ??= {};
    tree[version][name] = { type: typeOf(name), bytes };
  }
  return tree;
}

function amazonTree(told: Told, documents: Documents): Tree {
  const bytes = documents.get("ec2/latest/user-data");
  return {
    "meta-data": treeOf(amazonMetaData(told)),
    ...(bytes === undefined ? {} : { "user-data": { type: typeOf("user-data"), bytes } }),
  };
}

const treeOf = (fields: AmazonMetaData): Tree =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "object" ? treeOf(value) : { type: plain, bytes: Buffer.from(String(value)) },
    ]),
  );

const isServed = (found: Tree | Served): found is Served => found.bytes instanceof Uint8Array;

function inTree(tree: Tree, parts: readonly string[], isAmazon: boolean) {
  let found: Tree | Served = tree;
  for (const part of parts) {
    if (isServed(found) || !Object.hasOwn(found, part)) return undefined;
    const next: Tree | Served | undefined = found[part];
    // What a name begins with an underscore is for is said by the list above it.
    if (next === undefined || part.startsWith("_")) return undefined;
    found = next;
  }
  if (isServed(found)) return found;
  return list(Object.entries(found).map(([name, one]) => nameOf(name, one, isAmazon)));
}

/** Amazon's readers go on below a name with a slash at its end, and know keys by `number=name`. */
function nameOf(name: string, found: Tree | Served, isAmazon: boolean): string {
  if (!isAmazon || isServed(found)) return name;
  const said = found._name;
  return said !== undefined && isServed(said) ? oneLine(said.bytes) : `${name}/`;
}

/** A list has a line for each name, whatever is in it. */
const oneLine = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("utf8")
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}/]/gu, "_");

const plain = "text/plain; charset=utf-8";

const typeOf = (name: string): string =>
  name.endsWith(".json") ? "application/json" : "application/octet-stream";

const list = (names: readonly string[]): Served => ({
  type: plain,
  bytes: Buffer.from(names.filter((name) => !name.startsWith("_")).join("\n")),
});
