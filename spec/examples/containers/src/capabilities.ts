/** What this computer's containers can do, or why they cannot run. */
import { accessSync, constants } from "node:fs";
import type { HypervisorCapabilities } from "novact/plugin";
import { findHierarchies } from "./hierarchies.ts";
import { runTool } from "./tool.ts";

const askMsMax = 10_000;

export async function capabilitiesOf(runtime: string): Promise<HypervisorCapabilities> {
  const lacking = whatLacks(runtime);
  const version = lacking === undefined ? await versionOf(runtime) : undefined;
  const acceleratorReason =
    lacking ??
    (version === undefined ? `${runtime} does not tell its version.` : "Containers share the host's kernel.");
  return {
    ...{ kind: "containers", accelerator: "none", acceleratorReason, version: version ?? "0" },
    ...{ networks: [], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  };
}

/** The first thing that is missing for containers to run; undefined: nothing is. */
export function whatLacks(runtime: string): string | undefined {
  if (process.getuid?.() !== 0) return "Containers need an agent that is root.";
  try {
    accessSync(runtime, constants.X_OK);
    accessSync("/dev/loop-control");
  } catch (error) {
    return `Containers need what cannot be used here: ${error instanceof Error ? error.message : String(error)}.`;
  }
  const hierarchies = findHierarchies();
  return typeof hierarchies === "string" ? hierarchies : undefined;
}

async function versionOf(runtime: string): Promise<string | undefined> {
  const { exitCode, output } = await runTool(runtime, ["--version"], { msMax: askMsMax });
  return exitCode === 0 ? /\bversion ([0-9][0-9.]*)/.exec(output)?.[1] : undefined;
}
