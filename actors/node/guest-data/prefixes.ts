/** Prefixes of addresses, as netmasks. Pure. */

export const isVersion6 = (text: string): boolean => text.includes(":");

/** The two parts of `10.0.0.0/8`. @throws Error when it is not of this form */
export function networkOf(destination: string): { readonly network: string; readonly prefixLength: number } {
  const [, network = "", length = ""] = /^([0-9a-fA-F.:]+)\/([0-9]{1,3})$/.exec(destination) ?? [];
  const prefixLength = Number(length);
  if (network === "" || prefixLength > bitsOf(isVersion6(network)))
    throw new Error(`${destination} is no address with the length of a prefix.`);
  return { network, prefixLength };
}

const bitsOf = (six: boolean): number => (six ? 128 : 32);

/** The prefix as a netmask: 255.255.255.0 for 24 bits of IPv4, ffff:ffff:ffff:ffff:: for 64 of IPv6. */
export function netmaskOf(prefixLength: number, six: boolean): string {
  if (!six) return groups(prefixLength, { count: 4, bits: 8 }).join(".");
  const words = groups(prefixLength, { count: 8, bits: 16 }).map((word) => word.toString(16));
  const end = words.indexOf("0");
  return end < 0 ? words.join(":") : `${words.slice(0, end).join(":")}::`;
}

function groups(prefixLength: number, { count, bits }: { count: number; bits: number }): readonly number[] {
  return Array.from({ length: count }, (_, index) => {
    const set = Math.min(bits, Math.max(0, prefixLength - index * bits));
    return 2 ** bits - 2 ** (bits - set);
  });
}
