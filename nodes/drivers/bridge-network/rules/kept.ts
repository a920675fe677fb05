/**
 * Results of work on a picture, kept for the ports and networks that a new picture has unchanged: of a
 * thousand ports, one is new. An unchanged part is the object of before, and results are kept by object, so
 * that a part that goes takes its results with it. Kept results must be those of the work done anew.
 */
import type { HostNetworking, NetworkPicture } from "../../../../protocol/networking.ts";

const texts = new WeakMap<object, string>();

function textOf(part: object): string {
  const text = texts.get(part) ?? JSON.stringify(part);
  texts.set(part, text);
  return text;
}

/** The picture, of whose parts those that are as before are the objects of before. */
export function interned(picture: HostNetworking, before: HostNetworking | undefined): HostNetworking {
  if (before === undefined) return picture;
  const networks = new Map(before.networks.map((network) => [network.id, network]));
  return {
    ...picture,
    networks: picture.networks.map((network) => internedNetwork(network, networks.get(network.id))),
    groups: likeBefore(picture.groups, before.groups),
  };
}

function internedNetwork(network: NetworkPicture, before: NetworkPicture | undefined): NetworkPicture {
  if (before === undefined || network === before) return network;
  const subnets = textOf(network.subnets) === textOf(before.subnets) ? before.subnets : network.subnets;
  return { ...network, subnets, ports: likeBefore(network.ports, before.ports) };
}

function likeBefore<T extends { readonly id: string }>(parts: readonly T[], before: readonly T[]): T[] {
  const known = new Map(before.map((part) => [part.id, part]));
  return parts.map((part) => {
    const other = known.get(part.id);
    return other !== undefined && (other === part || textOf(other) === textOf(part)) ? other : part;
  });
}

/** A pure function of an object and other things, whose last answer for each object is kept. */
export function kept<One extends object, Others extends readonly unknown[], T>(
  make: (one: One, ...others: Others) => T,
): (one: One, ...others: Others) => T {
  const answers = new WeakMap<One, { readonly others: Others; readonly answer: T }>();
  return (one, ...others) => {
    const known = answers.get(one);
    if (known?.others.every((other, at) => other === others[at])) return known.answer;
    const answer = make(one, ...others);
    answers.set(one, { others, answer });
    return answer;
  };
}
