/**
 * Keeps the bandwidth limits in a fabric as they are planned, whoever has changed them. A tap that is not in
 * the fabric yet has none: nothing passes it. A fabric without limits costs no look at all.
 */
import type { NetworkFailure } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { runTool } from "../tool.ts";
import { throwIfAborted } from "../waiting.ts";
import { lookAtLinks } from "./batches.ts";
import type { Fabric } from "./fabric.ts";
import {
  isSame,
  limitsOf,
  limitTable,
  type PlannedLimit,
  readLimits,
  type SeenLimit,
  tableText,
} from "./limit-table.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import type { PlannedTap } from "./plan.ts";
import { refusedParts } from "./refused-parts.ts";
import { firstWords } from "./rules/nft.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

/** Whether this computer can keep limits, tried in a namespace that goes with the try. */
export async function canLimit(): Promise<boolean> {
  const rate = { bytesPerSecond: 2_500_000, burstBytes: 250_000 };
  const hooks = ["ingress", "egress"] as const;
  const input = tableText(hooks.map((hook) => ({ tap: "lo", hook, ...rate })));
  const argv = ["--net", "nft", "-f", "-"];
  const tried = await runTool("unshare", argv, { timeoutMs, input, endsInput: true }).catch(() => undefined);
  return tried?.exitCode === 0;
}

export class Limiter {
  readonly #fabric: Pick<Fabric, "run">;
  /** The last look found no limits, and none were made since. */
  #isBlank = false;

  constructor(fabric: Pick<Fabric, "run">) {
    this.#fabric = fabric;
  }

  /**
   * Answers the ports whose limits the kernel does not take. @throws StatusError hypervisorRefused when
   * limits stay otherwise for another reason; AbortError
   */
  async settle(taps: readonly PlannedTap[], signal: AbortSignal): Promise<readonly NetworkFailure[]> {
    const wanted = taps.flatMap(({ name, bandwidth }) => limitsOf(name, bandwidth));
    if (wanted.length === 0 && this.#isBlank) return [];
    throwIfAborted(signal);
    const links = wanted.length === 0 ? new Map<string, unknown>() : await lookAtLinks(this.#fabric);
    const planned = wanted.filter(({ tap }) => links.has(tap));
    this.#isBlank = false;
    const seen = await this.look();
    const refused = isSame(seen, planned) ? [] : await this.#make(planned, seen, taps);
    this.#isBlank = planned.length === 0;
    return refused;
  }

  /** Where the kernel refuses some, all others are kept. */
  async #make(planned: readonly PlannedLimit[], seen: readonly SeenLimit[], taps: readonly PlannedTap[]) {
    if ((await this.#load(planned, seen)) === undefined) return [];
    const limited = taps.filter(({ name }) => planned.some(({ tap }) => tap === name));
    const of = (some: readonly PlannedTap[]) =>
      planned.filter(({ tap }) => some.some((one) => one.name === tap));
    const trial = async (some: readonly PlannedTap[]) =>
      (await this.#tell(["-c"], tableText(of(some)))) || undefined;
    const refused = await refusedParts(limited, trial, bridgeNetworkLimits.trialsMax);
    const kept = of(limited.filter((one) => !refused.has(one)));
    const detail = await this.#load(kept, seen);
    if (detail !== undefined)
      throw new StatusError("hypervisorRefused", "Bandwidth limits of ports could not be set.", { detail });
    return [...refused].map(([{ portId: id }, said]) => ({
      ...{ of: "port" as const, id, why: `Its bandwidth limit could not be set: ${firstWords(said)}` },
    }));
  }

  /** What nft complains of; undefined: they are what the kernel has now. */
  async #load(planned: readonly PlannedLimit[], seen: readonly SeenLimit[]): Promise<string | undefined> {
    const said = await this.#tell([], tableText(planned, seen));
    return isSame(await this.look(), planned) ? undefined : said;
  }

  async #tell(words: readonly string[], input: string): Promise<string> {
    const given = { timeoutMs, input, endsInput: true };
    const { exitCode, errors } = await this.#fabric.run("nft", [...words, "-f", "-"], given);
    return exitCode === 0 ? "" : errors.trim().slice(0, 500) || "nft fails.";
  }

  /** The limits with their counts. @throws as `look` */
  counted(): Promise<readonly SeenLimit[]> {
    return this.#isBlank ? Promise.resolve([]) : this.look();
  }

  /** @throws StatusError hypervisorRefused when they cannot be read */
  async look(): Promise<readonly SeenLimit[]> {
    const argv = ["-j", "list", "table", "netdev", limitTable];
    const { exitCode, output, errors } = await this.#fabric.run("nft", argv, { timeoutMs, outputBytesMax });
    if (exitCode === 0) return readLimits(JSON.parse(output));
    if (/No such file or directory/.test(errors)) return [];
    const detail = errors.trim().slice(0, 500);
    throw new StatusError("hypervisorRefused", "Bandwidth limits of ports cannot be read.", { detail });
  }
}
