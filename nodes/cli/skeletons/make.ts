/**
 * Skeletons of plug-ins: a package with sources, specs and a README, which passes its own tests. What is in
 * one lies beside this file as templates, which have names and nothing else to fill in. It writes only into a
 * directory that it has made itself.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { services } from "../../../protocol/services.ts";
import { systemProject } from "../../../protocol/wire/subjects.ts";
import { packageDirectory, treeDirectory } from "../../package/program-files.ts";
import { CommandError } from "../errors.ts";

/** The kinds of skeletons, each with the description of its package. */
export const skeletonKinds = {
  filter: "A filter and a weigher for novact's scheduler.",
  weigher: "A weigher for novact's scheduler.",
  hypervisor: "A hypervisor driver for novact.",
  disks: "A driver of root disks for novact.",
  volumes: "A driver of volumes for novact.",
  network: "A network driver for novact.",
  sink: "A sink of novact's events.",
  power: "A driver of power controllers for novact.",
  resource: "A resource for novact's API.",
  action: "An action on novact's instances, and a query.",
} as const;
export type SkeletonKind = keyof typeof skeletonKinds;

const plainNode = `nodes:
  - name: node-1`;

/** What a cluster.yaml says to use it, beside its line of `plugins`. */
const uses: Readonly<Record<SkeletonKind, (name: string) => string>> = {
  filter: () => `scheduler: {}
nodes:
  - name: node-1
    labels: { ready: best }`,
  hypervisor: (name) => `nodes:
  - name: node-1
    hypervisor: ${name}`,
  weigher: () => plainNode,
  disks: (name) => `${plainNode}
    disks: ${name}`,
  volumes: (name) => `${plainNode}
    volumes: { driver: ${name}, options: { sizeGib: 100 } }`,
  network: (name) => `${plainNode}
    network: ${name}`,
  sink: (name) => `sinks:
  - { driver: ${name}, options: { directory: events } }
${plainNode}`,
  power: (name) => `${plainNode}
    power: { ${name}: { program: ./strip, outlet: 4 } }`,
  resource: () => plainNode,
  action: () => plainNode,
};

const checkOf = (kind: SkeletonKind): string =>
  kind === "filter" ? "novact plugin check --label ready=best" : "novact plugin check";

const templates = join(treeDirectory, "nodes/cli/skeletons");
const ending = ".template";
const tools = ["@types/chai", "@types/mocha", "@types/node", "chai", "mocha", "typescript"];

interface Made {
  readonly directory: string;
  /** From the directory. */
  readonly files: readonly string[];
}

/**
 * Makes the package in a new directory of the plug-in's name, below `home`.
 * @throws CommandError usage, alreadyExists
 */
export function makeSkeleton(name: string, kind: SkeletonKind, home: string): Made {
  checkName(name);
  const directory = resolve(home, name);
  makeNew(directory);
  try {
    const files = { ...packageFiles(name, kind), ...filled(name, kind) };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return { directory, files: Object.keys(files).sort() };
  } catch (thrown) {
    // Half a skeleton would be in the way of the next try.
    rmSync(directory, { recursive: true, force: true });
    throw thrown;
  }
}

const taken = new Set(["novact", systemProject, ...Object.values(services).map(({ noun }) => noun)]);

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw new CommandError(
      "usage",
      `The name of a plug-in is 1 to 32 lower-case letters, digits and -, a letter first. Found: ${name}.`,
      "Give such a name: novact plugin new my-filter.",
    );
  if (taken.has(name))
    throw new CommandError("usage", `The name ${name} is a name of novact's own.`, "Give it another name.");
}

function makeNew(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code !== "EEXIST") throw thrown;
    throw new CommandError(
      "usage",
      `There is something already: ${directory}.`,
      "Give another name, or remove what is there.",
    );
  }
}

/** The templates of the kind, with the names filled in. */
function filled(name: string, kind: SkeletonKind): Readonly<Record<string, string>> {
  const folder = join(templates, kind);
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(ending),
  );
  const names: Readonly<Record<string, string>> = { name, underscored: name.replaceAll("-", "_") };
  return Object.fromEntries(
    found.map((path) => [
      path.slice(0, -ending.length),
      readFileSync(join(folder, path), "utf8").replace(/\{\{(\w+)\}\}/g, (all, key) => names[key] ?? all),
    ]),
  );
}

function packageFiles(name: string, kind: SkeletonKind): Readonly<Record<string, string>> {
  const worlds = existsSync(join(templates, kind, `spec/worlds.ts${ending}`));
  return {
    "package.json": json(manifestOf(name, kind, worlds)),
    "tsconfig.json": json({ compilerOptions, include: worlds ? ["src", "spec/worlds.ts"] : ["src"] }),
    ".gitignore": "node_modules/\nbuild/\n",
    "README.md": readmeOf(name, kind),
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** The versions of the tools are those that novact itself is made with. */
function manifestOf(name: string, kind: SkeletonKind, worlds: boolean): object {
  const own = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8"));
  return {
    ...{ name: `novact-${name}`, version: "0.1.0", description: skeletonKinds[kind], type: "module" },
    engines: { node: ">=22.18" },
    files: ["build", "README.md"],
    exports: {
      ".": { types: "./build/src/plugin.d.ts", default: "./build/src/plugin.js" },
      "./package.json": "./package.json",
    },
    ...(worlds ? { novact: { check: "./build/spec/worlds.js" } } : {}),
    scripts: {
      ...{ build: "tsc", test: 'mocha "spec/**/*.spec.ts"', check: `npm run build && ${checkOf(kind)}` },
      prepack: "npm run build",
    },
    peerDependencies: { novact: `>=${own.version}` },
    devDependencies: Object.fromEntries(tools.map((tool) => [tool, own.devDependencies[tool]])),
  };
}

const compilerOptions = {
  ...{ target: "es2024", lib: ["es2024"], module: "nodenext", strict: true },
  ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, erasableSyntaxOnly: true },
  ...{ verbatimModuleSyntax: true, rewriteRelativeImportExtensions: true, skipLibCheck: true },
  ...{ types: ["node"], rootDir: ".", outDir: "build", declaration: true },
};

const readmeOf = (name: string, kind: SkeletonKind): string => `# novact-${name}

${skeletonKinds[kind]}

## Use

\`\`\`
npm install novact-${name}
\`\`\`

in the directory of cluster.yaml, and in the file:

\`\`\`yaml
plugins: [novact-${name}]
${uses[kind](name)}
\`\`\`

## Work on it

| | |
| --- | --- |
| \`npm install\` | brings novact and the tools |
| \`npm test\` | runs the specs from source, on Node 22.18 or later |
| \`npm run check\` | builds it, loads it as a cluster does, and runs all that can be tried of it |
| \`npm pack\` | makes the package, \`${basename(`novact-${name}`)}-0.1.0.tgz\` |
`;
