/**
 * What the specs of documents read in them: tables between marks, and the paths and commands that a document
 * names. It must never judge; the specs do.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectFiles, root } from "./source-tree.ts";

/** A file of the project as text. */
export const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Cells of the rows of the table between `<!-- name -->` and `<!-- /name -->`, without its head. */
export function table(path: string, name: string): readonly (readonly string[])[] {
  const part = new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)<!-- /${name} -->`).exec(read(path))?.[1] ?? "";
  const lines = part.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Paths in backquotes that a document names; `<noun>` in one stands for any name. */
export function lostPaths(path: string, text = read(path)): readonly string[] {
  const inFolders = /(?:\.ci|actors|db|nodes|protocol|spec)\/[\w./<>-]*/.source;
  const atTheTop = /[A-Z]+\.md|(?:package|biome|tsconfig)\.json|cluster\.yaml/.source;
  const [files, here] = [projectFiles(), dirname(path)];
  return [...text.matchAll(new RegExp(`\`(${inFolders}|${atTheTop})\``, "g"))]
    .map(([, one = ""]) => one)
    .filter((one) => {
      if (!one.includes("<")) return !existsSync(join(root, one)) && !existsSync(join(root, here, one));
      const pattern = new RegExp(`^${one.replaceAll(".", "\\.").replaceAll(/<\w+>/g, "[\\w-]+")}$`);
      return !files.some((file) => pattern.test(file));
    });
}

/** Commands in code that name a script or a file that is not there. */
export function lostCommands(text: string): readonly string[] {
  const { scripts } = JSON.parse(read("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const code = [...text.matchAll(/```\n([\s\S]*?)```|`([^`\n]+)`/g)].map(
    ([, block, inline]) => block ?? inline,
  );
  return code.flatMap((one = "") => {
    const npm = [...one.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test))\b/g)];
    const lostScripts = npm.flatMap(([all, run, short]) =>
      scripts[run ?? short ?? ""] === undefined ? [all] : [],
    );
    const node = [...one.matchAll(/\b(?:node|mocha [^\n]*?)\s+'?((?:nodes|spec)\/[\w./*-]+)/g)];
    const lostFiles = node.flatMap(([all, path = ""]) => {
      const folder = join(root, path.includes("*") ? dirname(path) : path);
      return existsSync(folder) ? [] : [all];
    });
    return [...lostScripts, ...lostFiles];
  });
}
