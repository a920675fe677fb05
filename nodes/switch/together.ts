/**
 * What several nodes of a computer want, as one: a network is one for all of them. Of what two nodes say
 * differently, the newer picture holds. A port that two nodes have is the one's whose picture is newer, since
 * the other's guest has left it. Pure.
 */
import type {
  FarPicture,
  GroupPicture,
  HostNetworking,
  NetworkPicture,
  RouterPicture,
} from "../../protocol/networking.ts";
import type { SwitchState } from "./state.ts";

export function together(states: readonly SwitchState[]): SwitchState {
  // In this order, what a newer picture says of a network or port replaces what an older one says.
  const inTime = [...states].sort((one, other) => versionOf(one) - versionOf(other));
  const plugs = new Map(inTime.flatMap((state) => state.plugs.map((plug) => [plug.portId, plug] as const)));
  const doors = { ...gatewaysOf(inTime), ...exitsOf(inTime) };
  const pictures = inTime.flatMap(({ networking }) => networking ?? []);
  const version = pictures.at(-1)?.version;
  if (version === undefined) return { networking: null, plugs: [...plugs.values()], ...doors };
  const networks = new Map<string, NetworkPicture>();
  for (const network of pictures.flatMap((picture) => picture.networks))
    networks.set(network.id, joined(networks.get(network.id), network));
  const far = farOf(pictures);
  const away = new Set(far.flatMap(({ ports }) => ports.map(({ id }) => id)));
  const near = [...networks.values()].map((network) => without(network, away));
  const routers = routersOf(pictures);
  const routing = routers.length === 0 ? {} : { routers };
  const networking = { version, networks: near, groups: groupsOf(pictures), far, ...routing };
  return { networking, plugs: [...plugs.values()], ...doors };
}

/** Each node has its own, for the ports of its own guests. */
function gatewaysOf(states: readonly SwitchState[]): Pick<SwitchState, "gateways"> {
  const all = states.flatMap((state) => state.gateways ?? []);
  const byId = new Map(all.map((gateway) => [gateway.id, gateway]));
  return byId.size === 0 ? {} : { gateways: [...byId.values()] };
}

/** Likewise. */
function exitsOf(states: readonly SwitchState[]): Pick<SwitchState, "exits"> {
  const byId = new Map(states.flatMap(({ exits = [] }) => exits.map((exit) => [exit.id, exit] as const)));
  return byId.size === 0 ? {} : { exits: [...byId.values()] };
}

/** A picture has all routers of its networks: one of an older picture that it has not is gone. */
function routersOf(pictures: readonly HostNetworking[]): readonly RouterPicture[] {
  const byId = new Map<string, RouterPicture>();
  for (const { networks, routers = [] } of pictures) {
    const own = new Set(networks.map(({ id }) => id));
    for (const [id, { interfaces }] of byId)
      if (interfaces.some(({ networkId }) => own.has(networkId))) byId.delete(id);
    for (const router of routers) byId.set(router.id, router);
  }
  return [...byId.values()];
}

/** Of each network, what the newest picture says that has the network. */
function farOf(pictures: readonly HostNetworking[]): readonly FarPicture[] {
  const byNetwork = new Map<string, readonly FarPicture[]>();
  for (const { networks, far = [] } of pictures)
    for (const { id } of networks)
      byNetwork.set(
        id,
        far.filter(({ networkId }) => networkId === id),
      );
  return [...byNetwork.values()].flat();
}

/** A picture that is older than the newest may have a port as its own that has left since. */
const without = (network: NetworkPicture, away: ReadonlySet<string>): NetworkPicture => ({
  ...network,
  ports: network.ports.filter(({ id }) => !away.has(id)),
});

/** A node that has no picture yet knows less than all others. */
const versionOf = ({ networking }: SwitchState): number => networking?.version ?? -1;

function joined(before: NetworkPicture | undefined, network: NetworkPicture): NetworkPicture {
  const ports = new Map([...(before?.ports ?? []), ...network.ports].map((port) => [port.id, port]));
  return { ...network, ports: [...ports.values()] };
}

/** A node is told the rules of its own ports' groups, and the members of the groups that these rules name. */
function groupsOf(pictures: readonly HostNetworking[]): readonly GroupPicture[] {
  const groups = new Map<string, GroupPicture>();
  for (const { networks, groups: told } of pictures) {
    const own = new Set(networks.flatMap(({ ports }) => ports.flatMap(({ groupIds }) => groupIds)));
    const named = new Set(told.flatMap(({ rules }) => rules.map(({ remoteGroupId }) => remoteGroupId)));
    for (const { id, rules, members } of told) {
      const before = groups.get(id) ?? { id, rules: [], members: [] };
      groups.set(id, {
        id,
        rules: own.has(id) ? rules : before.rules,
        members: named.has(id) ? members : before.members,
      });
    }
  }
  return [...groups.values()];
}
