/**
 * The networks of hosts with guests on them: what a host has applied, and what it was to apply. A host that
 * is a little behind is no finding, since it asks again by itself. And hosts whose guests do not reach all
 * that users have given them. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";
import { doctorLimits } from "./limits.ts";
import { routingFindings } from "./routing.ts";
import { underlayFindings } from "./underlays.ts";

type Wanted = NonNullable<DoctorInput["networks"]>[number];

export function networkFindings(input: DoctorInput, known: Known): Finding[] {
  return [
    ...underlayFindings(input, known),
    ...pictureFindings(input, known),
    ...reachFindings(input, known),
    ...routingFindings(input, known),
  ];
}

/** Of all hosts what is worst first: what users have published is much, and the first to be left out. */
function pictureFindings(input: DoctorInput, known: Known): Finding[] {
  const said = saidByHosts(input);
  const of = (what: (applied: Applied, wanted: Wanted, input: DoctorInput) => readonly Wrong[]) =>
    said.flatMap(({ applied, wanted }) => {
      const subject = hostCalled(known, wanted.hostId);
      return what(applied, wanted, input).map((one) => ({ kind: "drift" as const, subject, ...one }));
    });
  return [...[wholly, failed, unanswered, unpublished].flatMap(of), ...unpublishable(input, known)];
}

/**
 * Published ports of guests that have come to a host which publishes none: it stays so until somebody moves
 * the guest or gives the port up, and nothing is wrong with the host.
 */
function unpublishable(input: DoctorInput, known: Known): Finding[] {
  return saidByHosts(input).flatMap(({ applied, wanted: { hostId } }) => {
    const count = publishes(input, hostId) ? 0 : (applied?.unpublished?.length ?? 0);
    if (count === 0) return [];
    return [
      {
        kind: "advice",
        subject: hostCalled(known, hostId),
        message: `Its network driver publishes no ports, and its guests have ${counted(count, "published port")}.`,
        next: "Give the guests floating addresses, or move them to a host that publishes: novact host show says which does.",
      },
    ];
  });
}

/** Of a host that does not say so nobody knows: then its own words stand. */
const publishes = ({ hosts }: DoctorInput, hostId: string): boolean => {
  const networking = hosts.find(({ id }) => id === hostId)?.drivers?.networking;
  return networking === undefined || networking.publishes === true;
};

const saidByHosts = ({ answers, networks = [] }: DoctorInput) =>
  networks.flatMap((wanted) => {
    const answer = answers.find(({ hostId }) => hostId === wanted.hostId);
    if (answer === undefined || !("audit" in answer) || wanted.ports === 0) return [];
    return [{ applied: answer.audit.networking, wanted }];
  });

type Wrong = Pick<Finding, "message" | "next">;

/** Parts of the picture that the host could not apply; the rest works. */
const failed = (applied: Applied, _wanted: Wanted, { plugs = [] }: DoctorInput): Wrong[] =>
  (applied?.failed ?? []).map(({ of, id, why }) => ({
    message: `The ${wordFor[of]} ${id} does not work there: ${why}`,
    next: of === "device" ? restarted(plugs.find(({ portId }) => portId === id)?.deviceId) : tried,
  }));

const tried =
  "It is tried again all the time, and nothing passes it until then. novact logs of that node says more.";

/** A reset keeps the process, which has the lost device open. */
const restarted = (instanceId = "INSTANCE"): string =>
  `Nothing passes it until the guest is started anew: novact instance stop ${instanceId} --wait && ` +
  `novact instance start ${instanceId} --wait`;

const wordFor = {
  ...{ port: "port", device: "device of the port", network: "network", router: "router" },
  ...{ tunnel: "way to other hosts of the network", outside: "way to the operator's network" },
  responder: "responder's way into the network",
} as const;

/** What passes between guests passes all the same. */
const unanswered = (applied: Applied): Wrong[] =>
  (applied?.unanswered ?? null) === null
    ? []
    : [
        {
          message: `Its guests are not answered what they ask it: ${applied?.unanswered}`,
          next: "Guests that begin get no address and no metadata until it answers. novact logs of that node says more.",
        },
      ];

/** Instances run without; only who calls them notices. */
const unpublished = (applied: Applied, { hostId }: Wanted, input: DoctorInput): Wrong[] =>
  (publishes(input, hostId) ? (applied?.unpublished ?? []) : []).map(({ id, why }) => ({
    message: `Nobody answers at the published port ${id}: ${why}`,
    next: "novact published-port show says which it is; delete it, or end what is in its way: it is tried again.",
  }));

type Applied = Extract<DoctorInput["answers"][number], { audit: unknown }>["audit"]["networking"];

const wholly = (applied: Applied, wanted: Wanted): readonly Wrong[] => {
  const what = wrongWith(applied, wanted);
  return what === undefined ? [] : [what];
};

function wrongWith(applied: Applied, wanted: Wanted): Wrong | undefined {
  const there = counted(wanted.ports, "port");
  if (applied === undefined)
    return {
      message: `It has guests on networks, and says nothing of its network: ${there}.`,
      next: "Is its agent of an older version, or was its network driver taken out of cluster.yaml?",
    };
  const { failure, lookedAgoMs } = applied;
  if (failure !== null)
    return {
      message: `Its network stays as it was: ${failure}`,
      next: "What was allowed before passes, and new guests are cut off. novact logs of that node says more.",
    };
  if (lookedAgoMs === null || lookedAgoMs > doctorLimits.networkPatienceMs)
    return {
      message: "It does not ask any more for what it has to know of networks.",
      next: "New guests are cut off. Restart its agent: its guests run on.",
    };
  return isUntrue(applied, wanted) ? untrue(wanted) : undefined;
}

/** It knows the events of the rows that were read, and yet says otherwise. */
const isUntrue = ({ version, parts }: NonNullable<Applied>, wanted: Wanted): boolean =>
  version !== null &&
  version >= wanted.version &&
  [...parts].sort().join() !== [...wanted.parts].sort().join();

/** The doctor compares messages: with the hashes in it, a finding of two looks is about the same rows. */
const untrue = ({ parts }: Wanted): Wrong => ({
  message: `What it lets pass is not what is allowed (${[...parts].sort().join().slice(0, 20)}).`,
  next: "This is a bug of novact: report it, and restart the agent of that host, which asks for all of it again.",
});

/** Hosts of one boot are on one computer. A host of before does not say whom its guests reach. */
function reachFindings({ hosts, networks = [] }: DoctorInput, known: Known): Finding[] {
  const byId = new Map(hosts.map((host) => [host.id, host]));
  const placed = networks.filter(({ ports }) => ports > 0);
  return placed.flatMap(({ hostId, networkIds }) => {
    const own = byId.get(hostId);
    if (own?.drivers?.networking?.spansHosts !== false) return [];
    const beyond = placed.filter((other) => byId.get(other.hostId)?.bootId !== own.bootId);
    const cut = networkIds.filter((id) => beyond.some((other) => other.networkIds.includes(id)));
    if (cut.length === 0) return [];
    return {
      kind: "advice" as const,
      subject: hostCalled(known, hostId),
      message: `Its guests do not reach those of other computers, on ${counted(cut.length, "network")}.`,
      next: "Give the node's network driver an underlay in cluster.yaml, as { driver: user, options: { underlay: ADDRESS } }.",
    };
  });
}
