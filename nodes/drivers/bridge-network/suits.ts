/** Whether this computer has all that the driver `bridge` needs, tried in namespaces that go with the try. */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { insteadOfIt, lackOf, lookAround, tryDevices } from "./probe.ts";
import { probeRules } from "./rules/probe.ts";

/** What is lacking, in a sentence; undefined: nothing. */
export async function lackOfBridges(clock: Clock): Promise<string | undefined> {
  try {
    const lack = lackOf(lookAround());
    if (lack !== undefined) return lack.replace(`, ${insteadOfIt}`, "");
    await tryDevices();
    return (await probeRules(clock))[0];
  } catch (error) {
    if (!(error instanceof StatusError)) return `It could not be tried: ${(error as Error).message}.`;
    return error.message.replace(`: ${insteadOfIt}`, "");
  }
}
