/**
 * A package beside this checkout, as its author has it after `npm install`: novact and the tools are there as
 * links, so that nothing is packed and no registry asked. What it builds and runs is its own. npm must never
 * run in it: it removes what it has not brought, also what is behind a link.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkEntries } from "../../nodes/bootstrap.mjs";
import { root } from "../tidy/source-tree.ts";
import { type Ran, runIn } from "./follow-guide.ts";

const tools = ["@types", "chai", "mocha", "typescript"];

/** A directory for packages that goes away. */
export class Outside {
  readonly path = mkdtempSync(join(tmpdir(), "novact-outside-"));

  constructor() {
    // Guests run as other users, and pass through it.
    chmodSync(this.path, 0o711);
  }

  /** Gives a package in it what `npm install` would. */
  install(name: string): string {
    const directory = join(this.path, name);
    const modules = join(directory, "node_modules");
    if (existsSync(modules)) return directory;
    linkEntries();
    mkdirSync(modules);
    symlinkSync(root, join(modules, "novact"));
    for (const tool of tools) symlinkSync(join(root, "node_modules", tool), join(modules, tool));
    return directory;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Compiles it as its tsconfig.json says. The sources of novact, behind the link, are not its own. */
export const compileIn = (directory: string): Promise<Ran> =>
  runIn(directory, join(root, "node_modules/.bin/tsc"), ["--preserveSymlinks"]);

/** Runs its specs, as `npm test` does. */
export const testIn = (directory: string): Promise<Ran> =>
  runIn(directory, process.execPath, ["node_modules/mocha/bin/mocha.js", "spec/**/*.spec.ts"]);
