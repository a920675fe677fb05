/** Reads what `ip -j -d link show type macvtap` says. Pure. */
import type { SeenMacvtap } from "./kernel.ts";

type Fields = Readonly<Record<string, unknown>>;
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** @throws SyntaxError for a text that is cut off */
export function readMacvtaps(output: string): readonly SeenMacvtap[] {
  // Some versions of `ip` print nothing where there is no macvtap.
  const said: unknown = output.trim() === "" ? [] : JSON.parse(output);
  const rows: readonly unknown[] = Array.isArray(said) ? said : [];
  return rows.flatMap((row) => (typeof row === "object" && row !== null ? readOne({ ...row }) : []));
}

function readOne(row: Fields): SeenMacvtap[] {
  const name = textOf(row.ifname);
  // What `ip` does not know of a device it leaves out of its list, as an empty row.
  if (name === null) return [];
  const flags: readonly unknown[] = Array.isArray(row.flags) ? row.flags : [];
  return [
    {
      ...{ name, alias: textOf(row.ifalias), device: textOf(row.link), mac: textOf(row.address) ?? "" },
      mtuBytes: typeof row.mtu === "number" ? row.mtu : 0,
      ...{ isUp: flags.includes("UP"), takesGroups: flags.includes("ALLMULTI") },
      isSilent: row.inet6_addr_gen_mode === "none",
    },
  ];
}
