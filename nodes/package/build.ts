/**
 * `npm run build`: makes build/, which is what the package holds: JavaScript of everything that the entries
 * of package.json and the programs of a cluster import, declarations of the entries, the files that are read
 * at run time, and the SDK for browsers as one file. Whatever is not reached from there is not in it.
 *
 * The layout is that of the sources, so that every file finds its neighbours where it expects them.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build as bundle, type Plugin } from "esbuild";
import { treeDirectory } from "./program-files.ts";

const out = join(treeDirectory, "build");

/** Started as processes of their own, or by nodes/novact.mjs: no import leads to them. */
const programs = [
  ...["cli/main", "main", "chaos/main", "chaos/flood-sender", "proxy/entry"],
  ...["guard/main", "drivers/qemu/guard-launch", "switch/main", "responder/main"],
  "controller/safety-thread",
  "drivers/volumes/thread",
  "setup/distribution/main",
  "../spec/check/main",
];
/** Files that are loaded because they are there (db/migrations/index.ts). */
const migrations = readdirSync(join(treeDirectory, "db/migrations"))
  .filter((file) => /^\d{4}-/.test(file))
  .map((file) => `db/migrations/${file}`);
const browserBundle = "browser/novact.js";

/** Folders whose other files are read at run time; what only a checkout needs is left out. */
const assetFolders = ["db", "nodes", "protocol/versions"];
const onlyInCheckout =
  /^nodes\/(?:(?:bootstrap|novact)\.mjs$|setup\/node\/)|^db\/schema\.sql$|\.(?:ts|mts|md)$/;

/** Sources of what package.json exports with this ending, as paths from the root. */
function entrySources(ending: ".js" | ".d.ts"): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(treeDirectory, "package.json"), "utf8")) as {
    readonly exports: unknown;
  };
  const named = JSON.stringify(exports).match(/(?<="\.\/build\/)[\w/.-]+(?=")/g) ?? [];
  const files = [...new Set(named)].filter((name) => name.endsWith(ending) && name !== browserBundle);
  return files.map((name) => `${name.slice(0, -ending.length)}.ts`);
}

/** Runs the compiler over these files and all that they import. @throws Error when it finds a fault */
function compile(files: readonly string[], options: Readonly<Record<string, unknown>>): void {
  const config = join(out, "tsconfig.json");
  const compilerOptions = { ...options, noEmit: false, rootDir: "..", outDir: "." };
  writeFileSync(config, JSON.stringify({ extends: "../tsconfig.json", compilerOptions, files, include: [] }));
  const compiler = join(treeDirectory, "node_modules", ".bin", "tsc");
  const { status } = spawnSync(compiler, ["--project", config], { stdio: "inherit" });
  rmSync(config);
  if (status !== 0) throw new Error("The compiler found faults; they are above.");
}

function copyAssets(): void {
  for (const folder of assetFolders) {
    for (const each of readdirSync(join(treeDirectory, folder), { recursive: true, withFileTypes: true })) {
      const path = join(each.parentPath, each.name).slice(treeDirectory.length + 1);
      if (!each.isFile() || onlyInCheckout.test(path)) continue;
      mkdirSync(join(out, dirname(path)), { recursive: true });
      cpSync(join(treeDirectory, path), join(out, path));
    }
  }
}

/**
 * nats.ws asks for Node's crypto where it finds no `self.crypto`, which every browser has. Anything else of
 * Node's is a fault of ours, and ends the build.
 */
const withoutNode: Plugin = {
  name: "without Node",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^crypto$/ }, ({ importer }) =>
      /\/nats\.ws\//.test(importer) ? { path: "crypto", namespace: "nothing" } : undefined,
    );
    onLoad({ filter: /^/, namespace: "nothing" }, () => ({ contents: "module.exports = {};" }));
  },
};

/** Builds the SDK into one file that a page can import without a bundler. */
async function bundleForBrowsers(): Promise<void> {
  await bundle({
    absWorkingDir: treeDirectory,
    entryPoints: ["nodes/sdk/browser.ts"],
    outfile: join(out, browserBundle),
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "linked",
    plugins: [withoutNode],
    logLevel: "warning",
  });
}

const fromBuild = (path: string): string => join("..", path);

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
compile(
  [...entrySources(".js"), ...programs.map((name) => `nodes/${name}.ts`), ...migrations].map(fromBuild),
  {
    // They are in the declarations.
    removeComments: true,
  },
);
compile(entrySources(".d.ts").map(fromBuild), { declaration: true, emitDeclarationOnly: true });
copyAssets();
await bundleForBrowsers();
