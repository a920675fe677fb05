/**
 * The README against the code, in both directions: commands, exit codes, configuration, benchmarks and
 * folders. What it lists exists, what exists is listed, and the defaults that it names are those that are
 * taken.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import { expect } from "chai";
import { benchNames } from "../nodes/bench/bench-options.ts";
import { buildProgram } from "../nodes/cli/program.ts";
import { type ClusterConfig, parseConfig } from "../nodes/config/config.ts";
import { ClusterSchema } from "../nodes/config/schema.ts";
import { exitCodes } from "../nodes/package/exit-codes.ts";
import { read, table } from "./tidy/document-text.ts";
import { projectFiles, root } from "./tidy/source-tree.ts";

const bare = (cell = ""): string => cell.replaceAll("`", "");
const firstCells = (path: string, name: string): readonly string[] =>
  table(path, name).map(([cell]) => bare(cell));

/** Keys of the configuration as a person writes them, down to what has a value of its own. */
function keysOf(schema: TSchema, path: string): readonly string[] {
  if (schema.type === "object" && schema.properties !== undefined) {
    const properties = Object.entries(schema.properties as Record<string, TSchema>);
    return properties.flatMap(([key, inner]) => keysOf(inner, path === "" ? key : `${path}.${key}`));
  }
  const items = schema.items as TSchema | undefined;
  return items?.type === "object" ? keysOf(items, `${path}[]`) : [path];
}

function valueAt(config: ClusterConfig, key: string): unknown {
  const path = key.replaceAll("[]", ".0").split(".");
  return path.reduce<unknown>((value, name) => new Map(Object.entries(value ?? {})).get(name), config);
}

const sorted = (names: readonly string[]): readonly string[] => [...names].sort();

describe("README.md", () => {
  it("lists every command, and only those", () => {
    const commands = buildProgram().commands.flatMap((noun) =>
      noun.commands.length === 0
        ? [noun.name()]
        : noun.commands.map((verb) => `${noun.name()} ${verb.name()}`),
    );
    expect(sorted(firstCells("README.md", "commands"))).to.deep.equal(sorted(commands));
  });

  it("names only options that the command has", () => {
    const nouns = buildProgram().commands;
    const lost = table("README.md", "commands").flatMap(([command, text = ""]) => {
      const [noun = "", verb = ""] = bare(command).split(" ");
      const found = nouns.find((one) => one.name() === noun);
      const named = verb === "" ? found : found?.commands.find((one) => one.name() === verb);
      const options = [...(named?.options ?? [])];
      const known = new Set([...options.map(({ long }) => long), "--project"]);
      return [...text.matchAll(/`(--[a-z-]+)/g)]
        .filter(([, option]) => !known.has(option))
        .map(([, option]) => `${bare(command)} ${option}`);
    });
    expect(lost).to.deep.equal([]);
  });

  it("lists what the package exports, and only that", () => {
    const { exports } = JSON.parse(read("package.json")) as { readonly exports: object };
    const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
    const wanted = entries.map((entry) => entry.replace(/^\./, "novact"));
    expect(sorted(firstCells("README.md", "entries"))).to.deep.equal(sorted(wanted));
  });

  it("gives the exit codes with their meaning", () => {
    const rows = table("README.md", "exit codes").map(([exit, meaning]) => ({ exit: Number(exit), meaning }));
    expect(rows).to.deep.equal(Object.values(exitCodes).map(({ exit, meaning }) => ({ exit, meaning })));
  });

  it("lists every key of cluster.yaml, and only those", () => {
    const keys = keysOf(ClusterSchema, "");
    expect(sorted(firstCells("README.md", "configuration"))).to.deep.equal(sorted(keys));
  });

  it("names the defaults that are taken", () => {
    const config = parseConfig("{}\n", join(root, "cluster.yaml"));
    for (const [key = "", cell = ""] of table("README.md", "configuration")) {
      const named = /^`([^`]*)`$/.exec(cell)?.[1];
      if (named === undefined) continue;
      expect(String(valueAt(config, bare(key))), key).to.equal(named);
    }
  });

  it("names every benchmark, and only those", () => {
    expect(firstCells("README.md", "benchmarks")).to.deep.equal([...benchNames, "all"]);
  });

  it("has every folder of the project and of nodes/, and only those", () => {
    const folders = projectFiles().flatMap((path) => {
      const [first = "", second = "", third] = path.split("/");
      if (second === "") return [];
      return first === "nodes" && third !== undefined ? [first, `${first}/${second}`] : [first];
    });
    const listed = firstCells("README.md", "folders");
    const ours = [...new Set(folders)].filter((folder) => listed.includes(folder) || isTracked(folder));
    expect(sorted(listed)).to.deep.equal(sorted(ours));
  });

  it("names environment variables that are read", () => {
    const sources = projectFiles().filter((path) => /^nodes\/.*\.(?:ts|mjs)$/.test(path));
    const used = new Set(sources.flatMap((path) => read(path).match(/\bNOVACT_[A-Z]+\b/g) ?? []));
    const named = new Set(read("README.md").match(/\bNOVACT_[A-Z]+\b/g) ?? []);
    expect([...named].filter((name) => !used.has(name))).to.deep.equal([]);
  });
});

/** Where there is no git, every folder counts. */
function isTracked(folder: string): boolean {
  const found = spawnSync("git", ["ls-files", folder], { cwd: root, encoding: "utf8" });
  return found.status !== 0 || found.stdout !== "";
}

describe("actors/README.md", () => {
  it("has every room of actors/, and only those", () => {
    const names = projectFiles("actors").flatMap((path) => {
      const [, wing = "", room = "", file] = path.split("/");
      if (room === "") return [];
      return [file === undefined || !["node", "control"].includes(wing) ? wing : `${wing}/${room}`];
    });
    expect(sorted(firstCells("actors/README.md", "folders"))).to.deep.equal(sorted([...new Set(names)]));
  });
});
