/**
 * What novact launch takes where nobody says: a flavor, a network, a name, a port. Pure decisions of what
 * there is; each says why, for the line that a person reads.
 */
import { createHash } from "node:crypto";
import type { Flavor } from "../../../../protocol/flavor.ts";
import type { Image } from "../../../../protocol/image.ts";
import { type LocalDisks, localGibOf } from "../../../../protocol/local-disks.ts";
import type { Network } from "../../../../protocol/network.ts";
import type { Router } from "../../../../protocol/router.ts";
import { CommandError } from "../../errors.ts";
import { gibibytes, mebibytes } from "../../format.ts";

const gibibyte = 1024 ** 3;

type Size = Pick<Flavor, "name" | "vcpus" | "memoryMib" | "diskGib"> & LocalDisks;

/** The smallest flavor with what the image needs: by memory, then disk, then CPUs. @throws CommandError */
export function flavorFor<F extends Size>(
  flavors: readonly F[],
  { name, disk, properties }: Pick<Image, "name" | "disk" | "properties">,
): F {
  const { memoryMibMin, diskGibMin } = properties;
  const inside = Math.ceil((disk?.virtualSizeBytes ?? 0) / gibibyte);
  // A flavor without a size of its own takes the image's.
  const diskOf = ({ diskGib }: Size): number => (diskGib === 0 ? inside : diskGib);
  const roomOf = (one: Size): number => diskOf(one) + localGibOf(one);
  const fitting = flavors.filter(
    (one) => one.memoryMib >= memoryMibMin && diskOf(one) >= Math.max(diskGibMin, inside),
  );
  const [smallest] = fitting.toSorted(
    (left, right) =>
      left.memoryMib - right.memoryMib || roomOf(left) - roomOf(right) || left.vcpus - right.vcpus,
  );
  if (smallest !== undefined) return smallest;
  const needs = `${mebibytes(memoryMibMin)} of memory and ${gibibytes(Math.max(diskGibMin, inside))} of disk`;
  throw new CommandError(
    "flavorTooSmall",
    `No flavor has what the image ${name} needs: ${needs}.`,
    "Have an operator make one: novact flavor create.",
  );
}

/** The network to take; undefined: there is none, and one is made. @throws CommandError usage */
export function networkFor<N extends Pick<Network, "name" | "external">>(
  networks: readonly N[],
): N | undefined {
  const own = networks.filter(({ external }) => !external);
  if (own.length <= 1) return own[0];
  throw new CommandError(
    "ambiguous",
    `The project has several networks: ${own.map(({ name }) => name).join(", ")}.`,
    "Say which: --network NAME.",
  );
}

/** The network whose addresses may float: the first that leads outside and has a range. */
export const outsideOf = <N extends Pick<Network, "external" | "subnetIds">>(
  networks: readonly N[],
): N | undefined => networks.find(({ external, subnetIds }) => external && subnetIds.length > 0);

/** A router to the network outside: one that leads there from the inner one, else any. */
export function routerTo<R extends Pick<Router, "externalNetworkId" | "interfaces">>(
  routers: readonly R[],
  outside: string,
  inner: string,
): { readonly router: R; readonly isJoined: boolean } | undefined {
  const leading = routers.filter(({ externalNetworkId }) => externalNetworkId === outside);
  const isJoined = ({ interfaces }: R): boolean => interfaces.some(({ networkId }) => networkId === inner);
  const joined = leading.find(isJoined);
  if (joined !== undefined) return { router: joined, isJoined: true };
  return leading[0] === undefined ? undefined : { router: leading[0], isJoined: false };
}

/** Kind and bytes of a public key, without its comment; undefined: it is none of OpenSSH's. */
export function keyIn(line: string): string | undefined {
  const [kind = "", bytes = ""] = line.trim().split(/\s+/);
  return /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+$/.test(kind) && /^[A-Za-z0-9+/]+=*$/.test(bytes)
    ? `${kind} ${bytes}`
    : undefined;
}

/** A part of the fingerprint as name: two computers with one key make one key pair. */
export function keyNameOf(key: string): string {
  const bytes = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return `ssh-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`;
}

/** The word, or the word with the first number that makes it a name nobody has. */
export function freeName(word: string, taken: readonly string[]): string {
  if (!taken.includes(word)) return word;
  for (let number = 2; ; number += 1) if (!taken.includes(`${word}-${number}`)) return `${word}-${number}`;
}

/** True: no host took the instance, and each of them because it publishes no ports. */
export function isPublishingRefused(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !("reason" in thrown) || thrown.reason !== "noValidHost") return false;
  const details: unknown = "details" in thrown ? thrown.details : undefined;
  if (!Array.isArray(details) || details.length === 0) return false;
  return details.every((one: unknown) => typeof filtersOf(one).publishing === "string");
}

function filtersOf(verdict: unknown): Readonly<Record<string, unknown>> {
  const filters =
    typeof verdict === "object" && verdict !== null && "filters" in verdict ? verdict.filters : {};
  return typeof filters === "object" && filters !== null
    ? (filters as Readonly<Record<string, unknown>>)
    : {};
}
