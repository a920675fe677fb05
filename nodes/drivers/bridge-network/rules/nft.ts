/** Tells the kernel rules by nft, and reads what it has. It decides nothing. */
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { ToolResult } from "../../tool.ts";
import type { FabricEntrance } from "../filter.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { tableName } from "./model.ts";
import { type Listing, readListing } from "./read-back.ts";

export type Entrance = Pick<FabricEntrance, "run">;

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;
const listing = ["-j", "list", "ruleset"];

/** Undefined: nft fails, or says no list. */
export async function listed(fabric: Entrance): Promise<Listing | undefined> {
  const { exitCode, output } = await fabric.run("nft", listing, { timeoutMs, outputBytesMax });
  return exitCode === 0 ? readListing(output) : undefined;
}

/**
 * The elements of a few sets that come and go: a process for each, since nft 1.0.6 lists one set alone.
 * @throws StatusError hypervisorRefused
 */
export async function livingNow(fabric: Entrance, sets: readonly string[]): Promise<Listing["living"]> {
  const said = await Promise.all(
    sets.map(async (name) => {
      const argv = ["-j", "list", "set", "bridge", tableName, name];
      const { exitCode, output } = await fabric.run("nft", argv, { timeoutMs, outputBytesMax });
      return exitCode === 0 ? readListing(output) : undefined;
    }),
  );
  return said.flatMap((one) => {
    if (one === undefined) throw refused("Revoked connections of the host's guests cannot be read.");
    return one.living;
  });
}

/** @throws StatusError hypervisorRefused */
export async function listedNow(fabric: Entrance): Promise<Listing> {
  const said = await listed(fabric);
  if (said === undefined) throw refused("The host's packet rules cannot be read.");
  return said;
}

const script = (fabric: Entrance, text: string): Promise<ToolResult> =>
  fabric.run("nft", ["-f", "-"], { timeoutMs, outputBytesMax, input: text, endsInput: true });

/** Whether the kernel takes the script, which it does in one step: all lines, or none. */
export const isTaken = async (fabric: Entrance, text: string): Promise<boolean> =>
  (await script(fabric, text)).exitCode === 0;

/** The kernel does not take a script. It has the rules that it had before. */
export class RulesNotTaken extends StatusError {
  /** @param said by nft */
  constructor(said: string) {
    const detail = said.trim().slice(0, 1_000);
    super("hypervisorRefused", "The host's packet rules were not taken by its kernel.", { detail });
  }
}

/** Without the place in a script that nobody has. */
export const firstWords = (said: string | undefined): string | undefined =>
  said?.split("\n")[0]?.replace(/^\/dev\/stdin:\S+ /, "") || undefined;

/** Brings a script into the kernel, in one step. @throws RulesNotTaken */
export async function load(fabric: Entrance, text: string): Promise<void> {
  const { exitCode, errors } = await script(fabric, text);
  if (exitCode !== 0) throw new RulesNotTaken(errors);
}

export const refused = (message: string, detail?: string): StatusError =>
  new StatusError("hypervisorRefused", message, detail === undefined ? {} : { detail });
