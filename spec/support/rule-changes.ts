/** Rules and connections that specs of the kernel's rules bring in, by value. */
import type { GroupPicture, PortPicture } from "../../protocol/networking.ts";
import * as world from "./switch-world.ts";

export const udpAt = (port: number, direction: "ingress" | "egress") =>
  world.rule({ direction, protocol: 17, portMin: port, portMax: port });

/** UDP to two ports, both ways, and nothing else. */
export const oneWay = [
  ...[udpAt(5_000, "ingress"), udpAt(5_000, "egress")],
  ...[udpAt(5_999, "ingress"), udpAt(5_999, "egress")],
];

type Change = readonly [guests: readonly world.Guest[], groups: GroupPicture[], port: Partial<PortPicture>];

/** Small changes of groups, members, address pairs and guests, one after the other. */
export function smallChanges(all: readonly world.Guest[]): readonly Change[] {
  const rules = [world.rule({ remoteGroupId: "default" })];
  const group = { id: "default", members: ["10.0.1.7/32"], rules };
  const pair = (cidr: string) => ({ addressPairs: [{ cidr, mac: null }] });
  const web = { ...group, id: "web", rules: [world.rule({ remoteGroupId: "other" })] };
  return [
    [all, [group], {}],
    [all.slice(1), [{ ...group, members: ["10.0.1.0/28", "10.0.1.7/32"] }], pair("10.0.1.128/26")],
    [all, [{ ...group, members: ["10.0.1.0/24"] }, web], { ...pair("10.0.1.128/25"), groupIds: ["web"] }],
    [all, [{ ...group, rules: [...oneWay, ...group.rules] }, web], { groupIds: ["default", "web"] }],
    [all.slice(0, 2), [group], { portSecurity: false }],
    [[], [], {}],
    [all, [group], pair("fd00:9::/64")],
  ];
}

/** Lines for `conntrack -R`: established connections of TCP, each from a port to the same one. */
export const establishedLines = (from: string, to: string, zone: string, ports: readonly number[]): string =>
  ports
    .map(
      (port) =>
        `-A -t 300 -u SEEN_REPLY,ASSURED -s ${from} -d ${to} -p tcp --sport ${port} --dport ${port} ` +
        `-r ${to} -q ${from} --reply-port-src ${port} --reply-port-dst ${port} --state ESTABLISHED -w ${zone}\n`,
    )
    .join("");
