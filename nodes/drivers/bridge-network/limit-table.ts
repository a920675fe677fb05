/**
 * Bandwidth limits of taps as a table of nftables of their own, beside the rules: a chain for each tap and
 * direction, in which frames beyond the limit are dropped. A table is replaced in one step, and read back.
 * What a guest sends comes in by its tap, and what it receives goes out by it. Beside the burst, nftables
 * saves up what a second brings, whatever the unit (nft_limit.c of Linux): a guest has that at once after a
 * pause. Pure.
 */
import type { Bandwidth, BandwidthLimit } from "../../../protocol/port.ts";

export interface PlannedLimit {
  readonly tap: string;
  /** As the host sees it: a guest sends by `ingress`. */
  readonly hook: "ingress" | "egress";
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

/** Of the family netdev; the rules of bridges have another name, and leave this one alone. */
export const limitTable = "nvlimits";

export function limitsOf(tap: string, bandwidth: Bandwidth | undefined): readonly PlannedLimit[] {
  const of = (hook: PlannedLimit["hook"], limit: BandwidthLimit | null = null) =>
    limit === null ? [] : [{ tap, hook, ...inBytes(limit) }];
  return [...of("ingress", bandwidth?.egress), ...of("egress", bandwidth?.ingress)];
}

const inBytes = ({ kilobitsPerSecond, burstKilobits }: BandwidthLimit) => ({
  ...{ bytesPerSecond: (kilobitsPerSecond * 1_000) / 8, burstBytes: (burstKilobits * 1_000) / 8 },
});

const chainName = ({ hook, tap }: Pick<PlannedLimit, "hook" | "tap">): string => `${hook}_${tap}`;

/**
 * The whole table, for `nft -f`; without limits there is no table afterwards. `before`: what the table has
 * counted so far, which goes on.
 */
export function tableText(limits: readonly PlannedLimit[], before: readonly SeenLimit[] = []): string {
  const none = `table netdev ${limitTable}\ndelete table netdev ${limitTable}\n`;
  if (limits.length === 0) return none;
  const counted = new Map(before.map((one) => [chainName(one), one]));
  const chains = limits.map((one) => chainText(one, counted.get(chainName(one))));
  return `${none}table netdev ${limitTable} {\n${chains.join("")}}\n`;
}

function chainText(limit: PlannedLimit, before: Partial<SeenLimit> = {}): string {
  const { dropped = 0, droppedBytes = 0 } = before;
  const { tap, hook, bytesPerSecond, burstBytes } = limit;
  const over = `limit rate over ${bytesPerSecond} bytes/second burst ${burstBytes} bytes`;
  return [
    `  chain ${chainName(limit)} {`,
    `    type filter hook ${hook} device "${tap}" priority 0; policy accept;`,
    `    ${over} counter packets ${dropped} bytes ${droppedBytes} drop`,
    "  }",
    "",
  ].join("\n");
}

export interface SeenLimit extends PlannedLimit {
  /** Frames that it has dropped. */
  readonly dropped: number;
  readonly droppedBytes: number;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? { ...value } : {};

/** Of `nft -j list table`. A strange rule counts as a limit of no rate, so that the table is made anew. */
export function readLimits(said: unknown): readonly SeenLimit[] {
  const { nftables } = fieldsOf(said);
  const rules = Array.isArray(nftables) ? nftables.map((one) => fieldsOf(fieldsOf(one).rule)) : [];
  return rules.filter(({ chain }) => chain !== undefined).map(readRule);
}

function readRule({ chain, expr }: Fields): SeenLimit {
  const [hook = "", tap = ""] = String(chain).split("_");
  const words = Array.isArray(expr) ? expr.map(fieldsOf) : [];
  const limit = fieldsOf(words.find((one) => "limit" in one)?.limit);
  const counter = fieldsOf(words.find((one) => "counter" in one)?.counter);
  return {
    ...{ tap, hook: hook === "ingress" ? "ingress" : "egress" },
    bytesPerSecond: bytesOf(limit.rate, limit.rate_unit),
    burstBytes: bytesOf(limit.burst, limit.burst_unit),
    dropped: countOf(counter.packets),
    droppedBytes: countOf(counter.bytes),
  };
}

const countOf = (said: unknown): number =>
  typeof said === "number" && Number.isSafeInteger(said) ? said : 0;

const bytesIn: Readonly<Record<string, number>> = { bytes: 1, kbytes: 1_024, mbytes: 1_048_576 };

const bytesOf = (amount: unknown, unit: unknown): number =>
  typeof amount === "number" ? amount * (bytesIn[String(unit)] ?? Number.NaN) : Number.NaN;

export function isSame(seen: readonly PlannedLimit[], wanted: readonly PlannedLimit[]): boolean {
  const textOf = (limits: readonly PlannedLimit[]) =>
    limits
      .map((one) => `${chainName(one)} ${one.bytesPerSecond} ${one.burstBytes}`)
      .sort()
      .join("\n");
  return textOf(seen) === textOf(wanted);
}
