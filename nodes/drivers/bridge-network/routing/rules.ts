/**
 * What passes a router and a way outside, as rulesets of nftables. Whatever no line here names is dropped. A
 * router leads from one of its own networks to another, and keeps no connections of that: answers may come by
 * another host. It is itself no target but for questions whether it lives. To the outside it leads those who
 * have a floating address as that address, and others, where they may, as itself; a way outside makes that
 * the node's address. So the same addresses of two projects never meet. Pure.
 */

import { neverRouted, neverRouted6 } from "../router-ports.ts";
import type { Chain, NftSet, Ruleset } from "../rules/model.ts";
import { routingLimits } from "./limits.ts";
import { leaveDevice, transitRange } from "./names.ts";
import type { PlannedOutside, PlannedRouter } from "./planned.ts";

const { echoPerSecondMax, echoBurstMax } = routingLimits;
const inside = "nvr*";

const base = (hook: string, ...rules: string[]): Chain => ({ hook, rules });

const isOf6 = (range: string): boolean => range.includes(":");

const setOf = (
  kind: NftSet["kind"],
  of: string,
  elements: readonly (readonly [string, string])[],
  isInterval = false,
): NftSet => ({ kind, of, isInterval, living: null, elements: new Map(elements) });

const keys = (texts: readonly string[]): readonly (readonly [string, string])[] =>
  texts.map((text) => [text, ""] as const);

const echo = `icmp type echo-request limit rate ${echoPerSecondMax}/second burst ${echoBurstMax} packets accept`;

export function routerRules({ prefixes, leave, floating }: PlannedRouter): Ruleset {
  const bothWays = floating.map(({ address, target }) => [target, address] as const);
  const sets: [string, NftSet][] = [
    ["prefixes", setOf("set", "ip daddr", keys(prefixes.filter((one) => !isOf6(one))), true)],
    [
      "floating",
      setOf(
        "map",
        "ip daddr : ip daddr",
        floating.map(({ address, target }) => [address, target]),
      ),
    ],
    ["reached", setOf("set", "ip saddr", keys(bothWays.map(([target]) => target)))],
    // Of several floating addresses of one guest, it leaves by the first.
    ["leaving", setOf("map", "ip saddr : ip saddr", [...new Map(bothWays.toReversed())])],
  ];
  const prefixes6 = setOf("set", "ip6 daddr", keys(prefixes.filter(isOf6)), true);
  return [
    { family: "ip", sets: new Map(sets), chains: routerChains(leave?.snat === true ? leave.transit : null) },
    { family: "ip6", sets: new Map([["prefixes", prefixes6]]), chains: routerChains6 },
  ];
}

/** Between its own networks only: of IPv6 there is no way outside. */
const routerChains6: ReadonlyMap<string, Chain> = new Map([
  [
    "untracked",
    base(
      "type filter hook prerouting priority -300; policy drop;",
      `ip6 saddr { ${neverRouted6.join(", ")} } drop`,
      `ip6 daddr { ${neverRouted6.join(", ")} } drop`,
      `iifname "${inside}" notrack accept`,
    ),
  ],
  [
    "passing",
    base(
      "type filter hook forward priority 0; policy drop;",
      `iifname "${inside}" oifname "${inside}" ip6 daddr @prefixes accept`,
    ),
  ],
  ["own", base("type filter hook input priority 0; policy drop;", echo.replace("icmp type", "icmpv6 type"))],
  // Guests find it by the bridge, and it knows them: it asks nobody, and joins no group.
  [
    "said",
    base("type filter hook output priority 0; policy drop;", "icmpv6 type { 1, 2, 3, 4, 129 } accept"),
  ],
]);

/** `transit`: as whom those leave who have no floating address; null: they do not. */
const routerChains = (transit: string | null): ReadonlyMap<string, Chain> =>
  new Map([
    [
      "untracked",
      base(
        "type filter hook prerouting priority -300; policy accept;",
        `iifname "${inside}" ip saddr { ${neverRouted.join(", ")} } drop`,
        `iifname "${inside}" ip daddr { ${neverRouted.join(", ")} } drop`,
        `iifname "${inside}" ip daddr @prefixes notrack`,
      ),
    ],
    [
      "arriving",
      base(
        "type nat hook prerouting priority -100; policy accept;",
        `iifname "${leaveDevice}" dnat to ip daddr map @floating`,
      ),
    ],
    [
      "passing",
      base(
        "type filter hook forward priority 0; policy drop;",
        `iifname "${inside}" oifname "${inside}" accept`,
        `iifname "${inside}" oifname "${leaveDevice}" ${transit === null ? "ip saddr @reached " : ""}accept`,
        `iifname "${leaveDevice}" oifname "${inside}" ct status dnat accept`,
        `iifname "${leaveDevice}" oifname "${inside}" ct state established,related accept`,
      ),
    ],
    ["own", base("type filter hook input priority 0; policy drop;", echo)],
    [
      "leaving_as",
      base(
        "type nat hook postrouting priority 100; policy accept;",
        `oifname "${leaveDevice}" snat to ip saddr map @leaving`,
        ...(transit === null ? [] : [`oifname "${leaveDevice}" snat to ${transit}`]),
      ),
    ],
  ]);

export function outsideRules({ device, address, customers }: PlannedOutside): Ruleset {
  const floating = customers.flatMap((one) => one.floating);
  const sources = customers.flatMap((one) =>
    [one.transit, ...one.floating].map((from) => `"${one.device}" . ${from}`),
  );
  const sets: [string, NftSet][] = [
    ["floating", setOf("set", "ip daddr", keys(floating))],
    ["sources", setOf("set", "iifname . ip saddr", keys(sources))],
  ];
  return [{ family: "ip", sets: new Map(sets), chains: outsideChains(device, address.split("/")[0] ?? "") }];
}

const outsideChains = (device: string, address: string): ReadonlyMap<string, Chain> =>
  new Map([
    [
      "untrue",
      base(
        "type filter hook prerouting priority -300; policy accept;",
        `iifname "${device}" ip saddr ${transitRange} drop`,
        `iifname "${device}" ip daddr ${transitRange} drop`,
        `iifname "${device}" ip saddr @floating drop`,
        // A router's packets have its own address, or a floating address of its guests.
        `iifname != "${device}" iifname . ip saddr != @sources drop`,
      ),
    ],
    [
      "passing",
      base(
        "type filter hook forward priority 0; policy drop;",
        "ip daddr @floating accept",
        `iifname != "${device}" oifname "${device}" accept`,
        "ct state established,related accept",
      ),
    ],
    ["own", base("type filter hook input priority 0; policy drop;", `iifname "${device}" ${echo}`)],
    [
      "leaving_as",
      base(
        "type nat hook postrouting priority 100; policy accept;",
        `ip saddr ${transitRange} snat to ${address}`,
      ),
    ],
  ]);
