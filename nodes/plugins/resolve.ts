/**
 * Finds packages of plug-ins from the directory of cluster.yaml, as an `import` there would; and gives every
 * plug-in the novact that runs, wherever the plug-in lies and whatever copy of novact lies beside it: two
 * copies in one process would be two of everything. It must never change how anything else is found.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isCheckout, packageDirectory, packageExports, treeDirectory } from "../package/program-files.ts";

/** The scheme of our own specifiers: what to find, and from where. */
const scheme = "novact-plugin:";

/** What to `import` for this package, seen from the file. */
export function specifierFor(name: string, file: string): string {
  installOnce();
  return `${scheme}${encodeURIComponent(JSON.stringify([name, pathToFileURL(file).href]))}`;
}

let installed = false;
const found = new Map<string, string>();

/** The file that an imported specifier has led to; undefined: to none. */
export function fileOf(specifier: string): string | undefined {
  const url = found.get(specifier);
  return url?.startsWith("file:") === true ? fileURLToPath(url) : undefined;
}

/** Node before 22.15 has no such hooks; nodes/novact.mjs refuses these. */
function installOnce(): void {
  if (installed) return;
  installed = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier.startsWith(scheme)) {
        const [name, parentURL] = JSON.parse(decodeURIComponent(specifier.slice(scheme.length)));
        const result = next(String(name), { ...context, parentURL: String(parentURL) });
        found.set(specifier, result.url);
        return result;
      }
      const own = /^novact(?:\/|$)/.test(specifier) ? ownFileOf(specifier) : undefined;
      return own === undefined ? next(specifier, context) : { url: own, shortCircuit: true };
    },
  });
}

/** URL of the file of `novact`, `novact/plugin`, …; undefined: the package offers nothing of that name. */
function ownFileOf(specifier: string): string | undefined {
  const file = packageExports().get(specifier.replace(/^novact/, "."));
  if (file === undefined) return undefined;
  const path = isCheckout
    ? join(treeDirectory, file.replace(/^\.\/build\//, "").replace(/\.js$/, ".ts"))
    : join(packageDirectory, file);
  return pathToFileURL(path).href;
}
