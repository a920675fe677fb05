/**
 * What is the same on every host, whatever its picture: which way a frame takes, what no guest may send
 * (anti-spoofing), and what the fabric itself takes and says. A frame of a device that no map names ends at
 * the first chain. Nothing here may accept what a guest sends without having asked whose it is. Pure.
 *
 * Marks say what the connection tables of the IP layer, which the frames pass in between, have found: the
 * bridge itself knows no connections.
 */

import { hatchMac, hatchPorts } from "../../../responder/hatch.ts";
import { idleMsOf } from "../../../switch/filter/stages.ts";
import { protocols } from "../../../switch/frames/flow.ts";
import { serviceAddress } from "../service-address.ts";
import { servicesRange } from "./ledger.ts";
import { ruleLimits } from "./limits.ts";
import type { Chain } from "./model.ts";

const { dhcpPerSecondMax, dhcpBurstMax, metadataPerSecondMax, metadataBurstMax } = ruleLimits;
const { asksPerSecondMax, asksBurstMax } = ruleLimits;

/** 0: the IP layer has not seen it. */
export const marks = { known: 1, fresh: 2, invalid: 3, service: 4 } as const;

const chain = (...rules: string[]): Chain => ({ hook: null, rules });
const base = (hook: string, ...rules: string[]): Chain => ({ hook, rules });

const group = "01:00:00:00:00:00";
const toMany = `ether daddr & ${group} == ${group}`;
const toOne = `ether daddr & ${group} == 00:00:00:00:00:00`;

/** The frame becomes the fabric's own, from the port's service address. */
const toService =
  `ip saddr set iifname map @service ip daddr set ${serviceAddress} ether daddr set iifname map @bridges ` +
  `meta pkttype set host meta mark set ${marks.service} accept`;

/** Each port has a rate of its own. */
const tooMany = (set: string, perSecond: number, burst: number): string =>
  `update @${set} { iifname limit rate over ${perSecond}/second burst ${burst} packets } drop`;

const advert = "icmpv6 type nd-neighbor-advert";
const question = "icmpv6 type nd-neighbor-solicit";
const neighbourly = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";

/** First of all, for every frame that comes in. */
const guards: readonly (readonly [string, Chain])[] = [
  [
    "pre",
    base(
      "type filter hook prerouting priority -300; policy drop;",
      // The mark of a tunnel's outer packet may survive.
      "meta mark set 0",
      "iifname vmap @entry",
    ),
  ],
  [
    "guard",
    chain(
      "iifname . ether saddr != @sources drop",
      "ether type vmap { arp : goto guard_arp, ip : goto guard_ip4, ip6 : goto guard_ip6 }",
      // 802.1Q as well: the type is the outermost one.
      "drop",
    ),
  ],
  [
    "guard_arp",
    chain(
      "arp htype != 1 drop",
      "arp ptype != ip drop",
      "arp hlen != 6 drop",
      "arp plen != 4 drop",
      "arp operation != { request, reply } drop",
      // A probe claims no address.
      "arp operation request arp saddr ip 0.0.0.0 iifname . arp saddr ether @sources accept",
      "iifname . arp saddr ether . arp saddr ip @sources4 accept",
      "iifname . arp saddr ether . arp saddr ip @ranges4 accept",
      "drop",
    ),
  ],
  [
    "guard_ip4",
    chain(
      "ip saddr 0.0.0.0 udp sport 68 udp dport 67 goto dhcp",
      "iifname . ether saddr . ip saddr @sources4 goto own_ip4",
      "iifname . ether saddr . ip saddr @ranges4 goto own_ip4",
      "drop",
    ),
  ],
  ["own_ip4", chain("jump not_ip4", "goto services")],
  [
    "guard_ip6",
    chain(
      "jump not_ip6",
      // Guests make link-local addresses of several kinds; nobody but their host hears these questions.
      "ip6 saddr { ::, fe80::/10 } jump questions",
      `${neighbourly} jump discovery`,
      // Of what is sent without an address, nothing is for one guest alone.
      `ip6 saddr :: meta l4proto 58 ${toMany} accept`,
      "iifname . ether saddr . ip6 saddr @sources6 goto own_ip6",
      "iifname . ether saddr . ip6 saddr @ranges6 goto own_ip6",
      "drop",
    ),
  ],
  ["own_ip6", chain("jump questions", `${question} goto asked`, "accept")],
  [
    "discovery",
    chain(
      // In one form alone: whoever reads on for options would find what is not looked at here.
      "ip6 nexthdr != 58 drop",
      "ip6 length != { 24, 32 } drop",
      // A guest may tell its neighbours of its own addresses only, and that they are at itself.
      `${advert} ip6 length 24 iifname . @th,64,128 != @targets6 drop`,
      `${advert} ip6 length 32 iifname . @th,64,192 != @adverts6 drop`,
      `${question} ip6 saddr != :: ip6 length 32 iifname . @th,192,64 != @askers6 drop`,
    ),
  ],
  // A bridge tells who is behind a tunnel, and of a tap it asks the guest: as it floods nothing, the guest is
  // given the question. The mark is the network's number for a moment.
  [
    "asked",
    chain(
      "meta mark set iifname map @segments",
      "ether daddr set meta mark . @th,64,128 map @askable6",
      "meta mark set 0",
      "accept",
    ),
  ],
  // What a port without security sends is taken as it is, but for what the host itself answers.
  [
    "unguarded",
    chain("ether type ip goto services", "ether type ip6 jump questions", `${question} goto asked`, "accept"),
  ],
];

/** By these a guest would pass for a router or a server, or lead a packet elsewhere than it says. */
const never: readonly (readonly [string, Chain])[] = [
  [
    "not_ip4",
    chain(
      "ip option lsrr exists drop",
      "ip option ssrr exists drop",
      "ip protocol 58 drop",
      "udp sport 67 drop",
      // Clients look at the port that an answer comes to, and not all of them at the one that it is from.
      "udp dport 68 drop",
      "icmp type { 5, 9 } drop",
    ),
  ],
  [
    "not_ip6",
    chain(
      "exthdr rt exists drop",
      "meta l4proto 1 drop",
      "udp sport 547 drop",
      "udp dport 546 drop",
      "icmpv6 type { nd-router-advert, nd-redirect } drop",
    ),
  ],
];

/** What the responder of this host answers; questions of DHCP go nowhere else. */
const services: readonly (readonly [string, Chain])[] = [
  [
    "services",
    chain(
      "udp sport 68 udp dport 67 goto dhcp",
      `ip daddr ${serviceAddress} tcp dport 80 goto metadata`,
      "accept",
    ),
  ],
  [
    "dhcp",
    chain(
      "ip frag-off & 0x3fff != 0 drop",
      `ip daddr != { 255.255.255.255, ${serviceAddress} } drop`,
      tooMany("dhcp_rates", dhcpPerSecondMax, dhcpBurstMax),
      toService,
      "drop",
    ),
  ],
  [
    "metadata",
    chain(
      "ip frag-off & 0x3fff != 0 drop",
      `tcp flags & (syn | ack) == syn ${tooMany("metadata_rates", metadataPerSecondMax, metadataBurstMax)}`,
      toService,
      "drop",
    ),
  ],
  // In one packet, and that without other headers.
  [
    "questions",
    chain(
      "ip6 nexthdr 58 icmpv6 type nd-router-solicit goto asks",
      "ip6 nexthdr 17 ip6 daddr ff02::1:2 udp dport 547 goto asks",
    ),
  ],
  [
    "asks",
    chain(
      tooMany("ask_rates", asksPerSecondMax, asksBurstMax),
      `ether saddr set iifname map @askers ether daddr set ${hatchMac} meta mark set ${marks.service} accept`,
      "drop",
    ),
  ],
  ["told", chain(`meta mark set ${marks.service} accept`)],
  // No ARP: bridges answer it from permanent entries, and what guests ask must make no others.
  ["input", base("type filter hook input priority -200; policy drop;", `meta mark ${marks.service} accept`)],
  [
    "output",
    base(
      "type filter hook output priority -200; policy drop;",
      `ip saddr ${serviceAddress} udp sport 67 ip daddr set oifname . ip daddr map @answers accept`,
      `ip saddr ${serviceAddress} tcp sport 80 ip daddr set oifname . ip daddr map @answers accept`,
    ),
  ],
];

/** `isKnown`: of connections that the IP layer still knows. */
const revokedSets = (version: 4 | 6, isKnown: boolean): string[] =>
  (["tcp", "udp", "sctp"] as const).map((protocol) => {
    const [ip, name] = [version === 4 ? "ip" : "ip6", revokedName(protocol, version)];
    const flow = `iifname . ${ip} saddr . ${ip} daddr . ${protocol} sport . ${protocol} dport`;
    // Of revoked connections only TCP's say that they begin anew: known ones would be no beginning.
    const late = protocol === "tcp" && !isKnown ? " tcp flags & (syn | ack) != syn" : "";
    // Who goes on sending must not outlast the memory.
    return `${flow} @${name}${late} update @${name} { ${flow} timeout ${revokedSeconds(protocols[protocol])}s } drop`;
  });

/** How long a revoked connection is remembered after its last packet: as the IP layer keeps one. */
export const revokedSeconds = (protocol: number): number => idleMsOf(protocol, "answered") / 1_000;

export const revokedName = (protocol: string, version: number): string => `revoked_${protocol}${version}`;

/** All sets of revoked connections. */
export const revokedNames: readonly string[] = ["tcp", "udp", "sctp"].flatMap((protocol) =>
  [4, 6].map((version) => revokedName(protocol, version)),
);

/** Between two devices of a bridge. A packet in fragments is whole here. */
const passing: readonly (readonly [string, Chain])[] = [
  [
    "forward",
    base(
      "type filter hook forward priority 10; policy drop;",
      `meta mark ${marks.service} goto asking`,
      `iifname @open oifname @open ${toOne} accept`,
      "oifname != @ports drop",
      "ether type arp accept",
      "ether type vmap { ip : goto forward_ip4, ip6 : goto forward_ip6 }",
    ),
  ],
  // What the responder says leaves this host by no tunnel, and comes to no router.
  [
    "asking",
    chain("oifname @hatches iifname @asking accept", "iifname @hatches oifname @asking accept", "drop"),
  ],
  ["forward_ip4", chain(`${toMany} drop`, "iifname != @open jump not_ip4", "goto states")],
  [
    "forward_ip6",
    chain(
      "iifname != @open jump not_ip6",
      // Addresses are unique by the picture: nobody may tell a guest that its own is taken.
      `${question} ip6 saddr :: drop`,
      // Asked again: of a packet in fragments the guard has not seen the address.
      `iifname != @open ${neighbourly} jump discovery`,
      `${neighbourly} accept`,
      "icmpv6 type { 133, 134, 135, 137 } drop",
      `${toMany} drop`,
      "goto states",
    ),
  ],
  [
    "states",
    chain(
      `meta mark ${marks.known} goto known`,
      "meta mark 0 drop",
      // Of ICMP the IP layer calls everything invalid that has no answer; the rules say whether it passes.
      `meta mark ${marks.invalid} icmp type { 0, 14, 16, 18 } drop`,
      `meta mark ${marks.invalid} icmpv6 type 129 drop`,
      `meta mark ${marks.invalid} meta l4proto != { 1, 58 } drop`,
      ...revokedSets(4, false),
      ...revokedSets(6, false),
      // From another host: its egress rules were asked there. From a port without security: it has none.
      "iifname @open goto receiver",
      "iifname vmap @egress",
      "drop",
    ),
  ],
  // Many connections that were revoked at once are known for some time yet.
  ["known", chain(...revokedSets(4, true), ...revokedSets(6, true), "accept")],
  ["receiver", chain("oifname @open accept", "oifname vmap @ingress", "drop")],
];

export const bridgeChains: ReadonlyMap<string, Chain> = new Map([
  ...guards,
  ...never,
  ...services,
  ...passing,
]);

/** The IP layer tells connections apart by the network's bridge, and puts its finding into the mark. */
export const connectionChains: ReadonlyMap<string, Chain> = new Map([
  [
    "zones_of_bridges",
    base(
      // Before the kernel puts fragments together (-400): those of two networks must never meet.
      "type filter hook prerouting priority -450; policy accept;",
      `meta mark ${marks.service} notrack`,
      "ct zone set iifname map @zones",
    ),
  ],
  [
    "relay",
    base(
      "type filter hook prerouting priority -150; policy accept;",
      `meta mark 0 meta mark set ct state map { established : ${marks.known}, related : ${marks.known}, ` +
        `new : ${marks.fresh}, untracked : ${marks.fresh}, invalid : ${marks.invalid} }`,
    ),
  ],
  // Guests' frames come to the responder, wherever a hatch sends them.
  [
    "to_responder",
    base(
      "type route hook output priority -150; policy accept;",
      `ip daddr ${servicesRange} udp dport ${hatchPorts.device} ` +
        `ip daddr set ${serviceAddress} udp dport set ${hatchPorts.responder} udp checksum set 0`,
    ),
  ],
  [
    "own_answers",
    base("type filter hook output priority -300; policy accept;", `ip saddr ${serviceAddress} notrack`),
  ],
]);
