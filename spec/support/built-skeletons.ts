/**
 * A package of every kind that `novact plugin new` makes, side by side, built by one run of the compiler:
 * each for itself takes as long as all together.
 */

import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeSkeleton, type SkeletonKind, skeletonKinds } from "../../nodes/cli/skeletons/make.ts";
import { compileIn, type Outside } from "./outside-package.ts";

export const skeletonNames = Object.keys(skeletonKinds) as readonly SkeletonKind[];

/** Of the plug-in, and of its directory. */
export const nameOfSkeleton = (kind: SkeletonKind): string => `my-${kind}`;

/** Makes and builds them in the directory. @throws AssertionError with the compiler's words */
export async function buildSkeletons(outside: Outside): Promise<void> {
  // novact and the tools, one directory up from every package.
  outside.install(".");
  const include = skeletonNames.flatMap((kind) => {
    const { directory } = makeSkeleton(nameOfSkeleton(kind), kind, outside.path);
    const own: { readonly include: readonly string[] } = JSON.parse(
      readFileSync(join(directory, "tsconfig.json"), "utf8"),
    );
    symlinkSync(join("..", "built", nameOfSkeleton(kind)), join(directory, "build"));
    return own.include.map((path) => join(nameOfSkeleton(kind), path));
  });
  const compilerOptions = { rootDir: ".", outDir: "built" };
  const config = { extends: `./${nameOfSkeleton("filter")}/tsconfig.json`, compilerOptions, include };
  writeFileSync(join(outside.path, "tsconfig.json"), JSON.stringify(config));
  expect(await compileIn(outside.path)).to.deep.equal({ code: 0, text: "" });
}
