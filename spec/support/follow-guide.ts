/** Does what a guide says, in a copy of the tree: writes the files that it shows, and makes its changes. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../tidy/source-tree.ts";

/** Packages of their own, which a copy would build against this tree, and the specs of clusters with them. */
const notCopied: ReadonlySet<string> = new Set(
  [
    ...["spec/examples", "spec/cluster/maintenance.spec.ts"],
    ...["spec/live/plugins-packed.spec.ts", "spec/support/examples-in-use.ts"],
    ...["spec/live/macvtap-cluster.spec.ts", "spec/live/macvtap-guests.spec.ts"],
    ...["spec/live/nfs-volumes.spec.ts", "spec/support/ganesha.ts", "spec/support/port-mapper.ts"],
  ].map((path) => join(root, path)),
);
const copied = ["protocol", "actors", "db", "nodes", "spec", "package.json", "tsconfig.json", "cluster.yaml"];

/** Answers the directory of the copy. @throws Error when a change does not fit the file that it is for */
export function followGuide(guide: string): string {
  const directory = mkdtempSync(join(tmpdir(), "novact-guide-"));
  for (const name of copied)
    cpSync(join(root, name), join(directory, name), {
      recursive: true,
      filter: (source) => !notCopied.has(source),
    });
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  const blocks = readFileSync(join(root, guide), "utf8").matchAll(/^```(ts|diff) (\S+)\n([\s\S]*?)^```$/gm);
  for (const [, kind, path = "", text = ""] of blocks) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, kind === "ts" ? text : changed(path, readFileSync(file, "utf8"), text));
  }
  return directory;
}

/** The file after the change: the lines that are there once, replaced by those that shall be there. */
function changed(path: string, before: string, change: string): string {
  const lines = change.trimEnd().split("\n");
  const had = lines.filter((line) => !line.startsWith("+")).map((line) => `${line.slice(1)}\n`);
  const has = lines.filter((line) => !line.startsWith("-")).map((line) => `${line.slice(1)}\n`);
  const parts = before.split(had.join(""));
  if (parts.length !== 2) throw new Error(`${path} does not have this once:\n${had.join("")}`);
  return parts.join(has.join(""));
}

export interface Ran {
  readonly code: number | null;
  readonly text: string;
}

export function runIn(directory: string, program: string, words: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text }));
  });
}
