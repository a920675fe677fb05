/**
 * The part of cluster.yaml about catalogues of images: where `novact launch` finds what the cluster does not
 * have. Its schema, its further rules, and its completed form.
 *
 * What is fetched is believed by its checksum, and a checksum by how it came: by https, or written here. A
 * source that gives neither is refused here, before anything is fetched.
 */
import { resolve } from "node:path";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { literals } from "../../protocol/wire/schema.ts";
import type { Finding, LineOf } from "./explain.ts";
import { isUrl } from "./urls.ts";

const kinds = ["simplestreams", "directory"] as const;
const listDefault = "SHA256SUMS";

/** The source of what is built on the computer itself. */
export const builtSource = "built";

const part = <P extends Record<string, TSchema>>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
const word = (description: string) =>
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description });

const ImageSchema = part(
  {
    name: word("what is typed for it: novact launch NAME"),
    file: Type.String({
      minLength: 1,
      maxLength: fieldLimits.pathLengthMax,
      description: "its path below the source's url, ending in .qcow2 or .raw",
    }),
    version: Type.Optional(word("its version, to be shown")),
    login: Type.Optional(
      Type.String({
        pattern: "^[a-z_][a-z0-9_-]{0,31}$",
        description: "the user that it makes for ssh, such as debian",
      }),
    ),
    checksum: Type.Optional(
      Type.String({
        pattern: "^(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$",
        description: "its sha256 or sha512 in hexadecimal; with https the list beside it says it",
      }),
    ),
  },
  "an image of a directory",
);

export const CatalogueSchema = Type.Array(
  part(
    {
      name: word("a name for the source, different for each"),
      kind: Type.Unsafe<(typeof kinds)[number]>({
        ...literals(kinds),
        description:
          "simplestreams, as Ubuntu has it, or directory: images with a list of checksums beside them",
      }),
      url: Type.String({
        pattern: "^https?://[^\\s@?#]+$",
        maxLength: fieldLimits.pathLengthMax,
        description: "https://host/path/ of the source, without user",
      }),
      list: Type.Optional(
        Type.String({
          pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
          description: `the file of a directory's checksums: ${listDefault}, SHA512SUMS or another`,
        }),
      ),
      caFile: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: fieldLimits.pathLengthMax,
          description: "the certificates, in PEM, that the server's is signed by; relative to this file",
        }),
      ),
      images: Type.Optional(
        Type.Array(ImageSchema, {
          minItems: 1,
          maxItems: 1_000,
          description:
            "the images of a directory, by names of yours; leave it out to have all by their files' names",
        }),
      ),
    },
    "a source of images, as { name: NAME, kind: directory, url: https://… }",
  ),
  { maxItems: 20, description: "where images come from that the cluster does not have" },
);
type Written = Static<typeof CatalogueSchema>;

export interface CatalogueImage {
  readonly name: string;
  readonly file: string;
  readonly version: string;
  readonly login: string | null;
  /** In hexadecimal; undefined: the source's list has it. */
  readonly checksum: string | undefined;
}

export interface CatalogueSource {
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  /** With a slash at its end. */
  readonly url: string;
  /** Name of the file of checksums; undefined: every image has its own, or the source is no directory. */
  readonly list: string | undefined;
  /** Absolute path. */
  readonly caFile: string | undefined;
  /** Empty: all of the directory. */
  readonly images: readonly CatalogueImage[];
}

export function catalogueFindings(written: Written | undefined, lineOf: LineOf): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, source] of (written ?? []).entries()) {
    const say = (key: string, message: string) =>
      findings.push({
        line: lineOf(["catalogue", index, key]),
        message: `catalogue.${index}.${key}${message}`,
      });
    if (source.name === builtSource) say("name", `: the name ${builtSource} is reserved. Choose another.`);
    if ((written ?? []).findIndex(({ name }) => name === source.name) < index)
      say("name", `: ${source.name} is named twice. Give each source a name of its own.`);
    if (!isUrl(source.url)) say("url", " cannot be read as a URL.");
    if (source.kind === "simplestreams") {
      for (const key of ["list", "images"] as const)
        if (source[key] !== undefined) say(key, " is for a directory. Remove it, or write kind: directory.");
      if (isPlain(source.url))
        say("url", ": what comes by http may be anybody's, and an index has no checksum. Use https.");
    } else if (isPlain(source.url) && !isPinned(source))
      say("url", ": what comes by http may be anybody's. Use https, or give each of images its checksum.");
  }
  return findings;
}

const isPlain = (url: string): boolean => url.startsWith("http:");
const isPinned = ({ images }: Written[number]): boolean =>
  (images ?? []).length > 0 && (images ?? []).every(({ checksum }) => checksum !== undefined);

/** `directory`: that of the configuration's file. */
export function completeCatalogue(
  written: Written | undefined,
  directory: string,
): readonly CatalogueSource[] {
  return (written ?? []).map((source) => ({
    ...{ name: source.name, kind: source.kind },
    url: source.url.endsWith("/") ? source.url : `${source.url}/`,
    list: source.kind === "directory" && !isPinned(source) ? (source.list ?? listDefault) : undefined,
    caFile: source.caFile === undefined ? undefined : resolve(directory, source.caFile),
    images: (source.images ?? []).map(({ version = "-", login = null, checksum, ...image }) => ({
      ...{ ...image, version, login, checksum },
    })),
  }));
}
