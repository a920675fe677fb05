/**
 * How a person has to type the command `novact` here: the one place that decides it. Texts all over the
 * project say `novact …`; what is shown to a person says what can be typed.
 *
 * It looks for what would be found, and not for how this process was called: `npx`, a script and a service
 * manager leave the same traces, and `npm start` is no call of the command at all.
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { isCheckout, packageDirectory } from "./program-files.ts";

export interface Surroundings {
  readonly path: string;
  readonly directory: string;
  /** The file of the command. */
  readonly program: string;
}

/** `novact`, `npx novact`, or the path of its file where neither would find it. */
export function typedCommand(
  { path, directory, program }: Surroundings = {
    path: process.env.PATH ?? "",
    directory: process.cwd(),
    program: join(packageDirectory, "nodes", "novact.mjs"),
  },
): string {
  const own = realpathSync(program);
  const found = personsPath(path)
    .map((folder) => join(folder, "novact"))
    .find(existsSync);
  if (found !== undefined && realpathSync(found) === own) return "novact";
  if (isFoundByNpx(directory, own) || own.includes("/_npx/")) return "npx novact";
  return quoted(own);
}

/** The command that starts a whole cluster, as the person can type it. */
export const startCommand = (): string => (isCheckout ? "npm start" : `${typedCommand()} up`);

export interface Given {
  readonly config?: string | undefined;
  readonly project?: string | undefined;
}

/** What to type for `novact` so that it speaks of the same cluster and project as the command just typed. */
export function commandAgain(command: string, { config, project }: Given): string {
  const options = [
    ...(config === undefined ? [] : ["--config", quoted(config)]),
    ...(project === undefined ? [] : ["--project", quoted(project)]),
  ];
  return [command, ...options].join(" ");
}

/** A word as a shell takes it. */
const quoted = (word: string): string =>
  /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/**
 * The folders of the person's own PATH. npm and npx put theirs in front of it, the last of them being that of
 * node-gyp. Source: npm's set-path.js, npm 8 to 11.
 */
function personsPath(path: string): readonly string[] {
  const folders = path.split(":");
  const ofNpm = folders.findLastIndex((folder) => folder.endsWith("/node-gyp-bin"));
  return folders.slice(ofNpm + 1).filter((folder) => folder.startsWith("/"));
}

/** npx looks in the nearest folder above that is a project, and in no other. */
function isFoundByNpx(directory: string, own: string): boolean {
  const found = join(directory, "node_modules", ".bin", "novact");
  if (existsSync(found)) return realpathSync(found) === own;
  const isProject = ["package.json", "node_modules"].some((name) => existsSync(join(directory, name)));
  return !isProject && dirname(directory) !== directory && isFoundByNpx(dirname(directory), own);
}
