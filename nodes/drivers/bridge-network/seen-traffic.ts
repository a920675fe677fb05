/** What has passed the devices of a fabric, as `ip -j -s` describes it. Pure. */

interface Way {
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** As the host sees a device: of a tap it receives what the guest sends. */
export interface SeenTraffic {
  readonly received: Way;
  readonly sent: Way;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? { ...value } : {};

/** By the name of the device; of `ip -j -s link show`. A device whose numbers are not there is left out. */
export function readTraffic(said: unknown): ReadonlyMap<string, SeenTraffic> {
  const rows = Array.isArray(said) ? said.map(fieldsOf) : [];
  return new Map(
    rows.flatMap(({ ifname, stats64 }) => {
      const { rx, tx } = fieldsOf(stats64);
      const [received, sent] = [wayOf(rx), wayOf(tx)];
      if (typeof ifname !== "string" || received === undefined || sent === undefined) return [];
      return [[ifname, { received, sent }] as const];
    }),
  );
}

function wayOf(said: unknown): Way | undefined {
  const { packets, bytes, dropped } = fieldsOf(said);
  if (!isCount(packets) || !isCount(bytes) || !isCount(dropped)) return undefined;
  return { packets, bytes, dropped };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
