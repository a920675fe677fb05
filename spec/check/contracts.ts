/**
 * Runs the contracts of a package's drivers in the worlds that it brings, with the mocha and the chai that it
 * is developed with. When it is stopped, the benches are closed all the same.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { DriverWorlds } from "../contracts/worlds.ts";
import { checkLimits } from "./limits.ts";
import type { Checked } from "./report.ts";

interface Listener {
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

const kinds = ["hypervisors", "disks", "networks", "volumes", "sinks", "power"] as const;
type DriverKind = (typeof kinds)[number];
export type DriversBrought = Readonly<Partial<Record<DriverKind, object>>>;

/** What a package brings for its checks. */
export interface Worlds {
  /** Of the module. */
  readonly file: string;
  readonly found: DriverWorlds;
}

/** @param worlds undefined: the package brings none */
export async function checkContracts(
  brought: DriversBrought,
  worlds: Worlds | undefined,
  listener: Listener,
): Promise<readonly Checked[]> {
  const names = kinds.flatMap((kind) => Object.keys(brought[kind] ?? {}).map((name) => ({ kind, name })));
  if (names.length === 0) return [];
  const { found = {}, file = "" } = worlds ?? {};
  const checks: Checked[] = [];
  for (const { kind, name } of names) {
    const world = Object.hasOwn(found[kind] ?? {}, name)
      ? { [kind]: { [name]: found[kind]?.[name] } }
      : undefined;
    const part = `${kind}.${name}`;
    if (world === undefined)
      checks.push({ part, check: "contract", result: "notRun", detail: missing(part) });
    else checks.push(await contractOf(part, world, file, listener));
  }
  for (const [name, keeper] of Object.entries(found.keepers ?? {}))
    checks.push(await contractOf(`keepers.${name}`, { keepers: { [name]: keeper } }, file, listener));
  return checks;
}

const missing = (part: string): string =>
  `No world for ${part}: name a module with one in package.json, "novact": { "check": FILE }.`;

/** @param file of the module whose default export has them */
export async function worldsIn(file: string): Promise<Worlds> {
  const { default: worlds }: { readonly default?: unknown } = await import(pathToFileURL(file).href);
  if (typeof worlds === "object" && worlds !== null) return { file, found: worlds };
  throw new Error(`${file} has no worlds: its default export is no object.`);
}

async function contractOf(
  part: string,
  worlds: DriverWorlds,
  file: string,
  { progress, signal }: Listener,
): Promise<Checked> {
  progress(`contract of ${part} …`);
  const { mocha, driverContracts } = await toolsOf(file);
  mocha.suite.emit("pre-require", globalThis, file, mocha);
  driverContracts(worlds);
  const failed: string[] = [];
  let passed = 0;
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    const stop = () => runner.abort();
    signal.addEventListener("abort", stop, { once: true });
    runner.on("pass", () => {
      passed += 1;
    });
    runner.on("fail", ({ title }, error) => void failed.push(`${title}: ${firstLine(error)}`));
  });
  mocha.dispose();
  if (failures === 0 && passed > 0)
    return { part, check: "contract", result: "passed", detail: `${passed} promises kept` };
  const shown = failed.slice(0, checkLimits.failuresShownMax).join("; ");
  const detail = failures === 0 ? "No test ran." : `${failures} of ${passed + failures} broken: ${shown}`;
  return { part, check: "contract", result: "failed", detail };
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

/** The package's own mocha, and the contracts, which need its chai. */
async function toolsOf(file: string) {
  try {
    // The reporter Base writes nothing.
    const Runner: typeof Mocha = createRequire(file)("mocha");
    const { driverContracts } = await import("../contracts/worlds.ts");
    return { mocha: new Runner({ reporter: Runner.reporters.Base }), driverContracts };
  } catch (thrown) {
    const why = firstLine(thrown);
    throw new Error(`Contracts need mocha and chai beside the package: npm install mocha chai. (${why})`);
  }
}
