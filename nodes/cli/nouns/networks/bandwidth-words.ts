/** Bandwidth limits of ports as people write and read them: `20mbit`, `20mbit/4mbit` with a burst. Pure. */
import { InvalidArgumentError } from "commander";
import type { BandwidthAsked, BandwidthLimit } from "../../../../protocol/port.ts";

/** One that is asked for. */
export type Limit = NonNullable<BandwidthAsked["ingress"]>;

export const rateForm = "20mbit, or 20mbit/4mbit with what passes at once after a pause; kbit, mbit, gbit";

const kilobitsOf: Readonly<Record<string, number>> = { kbit: 1, mbit: 1_000, gbit: 1_000_000 };
const amount = /^(\d{1,9})(kbit|mbit|gbit)$/;

/** @throws InvalidArgumentError */
export function limitOf(text: string): Limit {
  const [rate, burst, ...others] = text.toLowerCase().split("/").map(kilobits);
  if (rate === undefined || others.length > 0) throw new InvalidArgumentError(`Write ${rateForm}.`);
  return { kilobitsPerSecond: rate, ...(burst === undefined ? {} : { burstKilobits: burst }) };
}

function kilobits(text: string): number {
  const [, number, unit = ""] = amount.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError(`Write ${rateForm}.`);
  return Number(number) * (kilobitsOf[unit] ?? 1);
}

/** False: the limit is taken away. */
export function bandwidthAsked(ingress?: Limit | false, egress?: Limit | false) {
  const of = (limit: Limit | false) => (limit === false ? null : limit);
  const bandwidth: BandwidthAsked = {
    ...(ingress === undefined ? {} : { ingress: of(ingress) }),
    ...(egress === undefined ? {} : { egress: of(egress) }),
  };
  return Object.keys(bandwidth).length === 0 ? {} : { bandwidth };
}

export const limitText = (limit: BandwidthLimit | null | undefined): string =>
  limit ? `${bits(limit.kilobitsPerSecond)}/s, ${bits(limit.burstKilobits)} at once` : "no limit";

function bits(kilobits: number): string {
  const [unit = "kbit", size = 1] =
    Object.entries(kilobitsOf)
      .reverse()
      .find(([, each]) => kilobits % each === 0 && kilobits > 0) ?? [];
  return `${kilobits / size} ${unit}`;
}
