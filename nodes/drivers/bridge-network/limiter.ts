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
import type { Settled } from "./settled.ts";

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
  /** What the last look found. Undefined: nobody knows. */
  #proved: readonly PlannedLimit[] | undefined;

  constructor(fabric: Pick<Fabric, "run">) {
    this.#fabric = fabric;
  }

  /**
   * `there`: the taps of the fabric, where what was proved is believed to be there still; a tap that has come
   * since has no limits, whatever its name. Undefined: it looks. Answers the ports whose limits the kernel
   * does not take. @throws StatusError hypervisorRefused when limits stay otherwise for another reason;
   * AbortError
   */
  async settle(
    taps: readonly PlannedTap[],
    signal: AbortSignal,
    there?: Pick<Settled, "taps" | "arrived">,
  ): Promise<readonly NetworkFailure[]> {
    const wanted = taps.flatMap(({ name, bandwidth }) => limitsOf(name, bandwidth));
    if (wanted.length === 0 && this.#proved?.length === 0) return [];
    throwIfAborted(signal);
    const links = there ?? { taps: await this.#names(wanted), arrived: new Set<string>() };
    const planned = wanted.filter(({ tap }) => links.taps.has(tap) || links.arrived.has(tap));
    const before = there && this.#proved?.filter(({ tap }) => !there.arrived.has(tap));
    if (before !== undefined && isSame(before, planned)) return [];
    this.#proved = undefined;
    const seen = await this.look();
    const refused = isSame(seen, planned) ? [] : await this.#make(planned, seen, taps);
    if (refused.length === 0) this.#proved = planned;
    return refused;
  }

  async #names(wanted: readonly PlannedLimit[]): Promise<ReadonlySet<string>> {
    return new Set(wanted.length === 0 ? [] : (await lookAtLinks(this.#fabric)).keys());
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
    return this.#proved?.length === 0 ? Promise.resolve([]) : this.look();
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
