/**
 * What DHCPv6 answers to a guest, decided from the message and the port's lease alone (RFC 8415, 18.3). The
 * same question always has the same answer, whoever gives it, and whatever was answered before. A guest is
 * given no address but its own; of others that it names it hears only that it has to let go of them.
 */
import type { Lease6 } from "./lease.ts";
import {
  type Dhcp6Message,
  type GivenAddress,
  type Identity,
  messageTypes6,
  type Option6,
  optionCodes6,
  readIdentity,
  readMessage6,
  statusCodes6,
  statusOption,
  writeIdentity,
  writeMessage6,
} from "./message.ts";

/** A guest asks again after half of it: a responder that is away for hours is not noticed. */
export const lease6Seconds = 86_400;
/** UDP ports (RFC 8415, 7.2). */
export const dhcp6Ports = { client: 546, server: 547 } as const;
/** Servers and relays of a link: ff02::1:2 (RFC 8415, 7.1). */
export const dhcp6Servers = `ff02${"0".repeat(23)}10002`;

/** Of a MAC (RFC 8415, 11.4), and the same on each host: whoever a guest asks, it has asked the right one. */
export const serverDuid = (mac: string): Buffer => Buffer.from(`00030001${mac}`, "hex");

/** Of the client's own (RFC 8415, 11.1). */
const duidBytesMax = 130;
/** Identities that are answered, and addresses of each that the guest is told to let go of. */
const identitiesMax = 4;
const foreignMax = 4;
/** IPv6's and UDP's headers. */
const headersBytes = 48;

/** The payload of the answer's datagram; undefined: there is none. */
export function answerBytes6(bytes: Buffer, lease: Lease6, server: Buffer): Buffer | undefined {
  const message = readMessage6(bytes);
  const answer = message && answerTo6(message, lease, server);
  return answer && writeMessage6(answer, lease.mtuBytes - headersBytes);
}

/** Undefined: the guest gets no answer. */
export function answerTo6(message: Dhcp6Message, lease: Lease6, server: Buffer): Dhcp6Message | undefined {
  if (!isForUs(message, server)) return undefined;
  const answered = optionsFor(message, lease);
  if (answered === undefined) return undefined;
  const { type, options } = answered;
  const client = optionIn(message, optionCodes6.client);
  const ends = [...(client === undefined ? [] : [client]), { code: optionCodes6.server, data: server }];
  return { type, transaction: message.transaction, options: [...ends, ...options] };
}

const { solicit, advertise, request, confirm, renew, rebind, reply, release, decline, informationRequest } =
  messageTypes6;
/** Messages that name the server that they are for, and messages that must not (RFC 8415, 16). */
const toOneServer: readonly number[] = [request, renew, release, decline];
const toAnyServer: readonly number[] = [solicit, confirm, rebind];

function isForUs(message: Dhcp6Message, server: Buffer): boolean {
  const [client, asked] = [optionIn(message, optionCodes6.client), optionIn(message, optionCodes6.server)];
  const isClient = client !== undefined && client.data.length > 2 && client.data.length <= duidBytesMax;
  const isAsked = asked?.data.equals(server) === true;
  if (toOneServer.includes(message.type)) return isClient && isAsked;
  if (toAnyServer.includes(message.type)) return isClient && asked === undefined;
  // RFC 8415, 16.12: without anything that asks for addresses, and who asks may be unknown.
  const isQuestion = message.type === informationRequest && !message.options.some(isIdentity);
  return isQuestion && (client === undefined || isClient) && (asked === undefined || isAsked);
}

type Answered = Pick<Dhcp6Message, "type" | "options">;

function optionsFor(message: Dhcp6Message, lease: Lease6): Answered | undefined {
  switch (message.type) {
    case solicit:
      return answerToSolicit(message, lease);
    case request:
    case renew:
    case rebind:
      return { type: reply, options: [...given(message, lease), ...told(lease)] };
    case confirm:
      return confirmed(message, lease);
    case informationRequest:
      return { type: reply, options: told(lease) };
    default:
      // A declined address stays the port's, and a released one, too: nobody else may have it.
      return { type: reply, options: [statusOption(statusCodes6.success)] };
  }
}

/** Who wants no address asks another way. */
function answerToSolicit(message: Dhcp6Message, lease: Lease6): Answered | undefined {
  if (!message.options.some(isIdentity)) return undefined;
  const all = [...given(message, lease), ...told(lease)];
  const isRapid = optionIn(message, optionCodes6.rapidCommit) !== undefined;
  if (isRapid) return { type: reply, options: [{ code: optionCodes6.rapidCommit, data: empty }, ...all] };
  // RFC 8415, 18.2.1: the greatest preference, so that the guest does not wait for other servers.
  return { type: advertise, options: [{ code: optionCodes6.preference, data: Buffer.from([255]) }, ...all] };
}

const empty = Buffer.alloc(0);

/** RFC 8415, 18.3.3: the guest has moved, or has not; who names no address is not answered. */
function confirmed(message: Dhcp6Message, lease: Lease6): Answered | undefined {
  const named = identitiesIn(message, optionCodes6.addresses).flatMap(({ addresses }) => addresses);
  if (named.length === 0) return undefined;
  const isOwn = named.every((address) => address === lease.address);
  const status = isOwn ? statusCodes6.success : statusCodes6.notOnLink;
  return { type: reply, options: [statusOption(status)] };
}

/** The first identity has the port's address; others have none, and nobody has a range to lead on. */
function given(message: Dhcp6Message, lease: Lease6): readonly Option6[] {
  const { addresses, temporary, prefixes } = optionCodes6;
  const [first, ...others] = identitiesIn(message, addresses);
  const none = (code: number, status: number) => (id: number) => writeIdentity(code, id, { status });
  return [
    ...(first === undefined ? [] : [answerToIdentity(message.type, first, lease)]),
    ...others.map(({ id }) => id).map(none(addresses, statusCodes6.noAddresses)),
    ...idsIn(message, temporary).map((id) => temporaryOption(id)),
    ...idsIn(message, prefixes).map(none(prefixes, statusCodes6.noPrefixes)),
  ];
}

function answerToIdentity(type: number, { id, addresses }: Identity, lease: Lease6): Option6 {
  const foreign = addresses.filter((address) => address !== lease.address).slice(0, foreignMax);
  const code = optionCodes6.addresses;
  // RFC 8415, 18.3.2: asked for what is not on its link, the guest begins anew.
  if (type === request && foreign.length > 0)
    return writeIdentity(code, id, { status: statusCodes6.notOnLink });
  const own: GivenAddress = { address: lease.address, seconds: lease6Seconds };
  const gone = type === solicit ? [] : foreign.map((address) => ({ address, seconds: 0 }));
  return writeIdentity(code, id, { addresses: [own, ...gone] });
}

/** RFC 8415, 21.5: it has no times. */
function temporaryOption(id: number): Option6 {
  const { data } = writeIdentity(optionCodes6.temporary, id, { status: statusCodes6.noAddresses });
  return { code: optionCodes6.temporary, data: Buffer.concat([data.subarray(0, 4), data.subarray(12)]) };
}

const told = ({ dnsServers }: Lease6): readonly Option6[] =>
  dnsServers.length === 0
    ? []
    : [{ code: optionCodes6.dnsServers, data: Buffer.from(dnsServers.join(""), "hex") }];

const optionIn = ({ options }: Dhcp6Message, code: number): Option6 | undefined =>
  options.find((option) => option.code === code);

const isIdentity = ({ code }: Option6): boolean =>
  code === optionCodes6.addresses || code === optionCodes6.temporary || code === optionCodes6.prefixes;

const withCode = ({ options }: Dhcp6Message, code: number): readonly Option6[] =>
  options.filter((option) => option.code === code).slice(0, identitiesMax);

const identitiesIn = (message: Dhcp6Message, code: number): readonly Identity[] =>
  withCode(message, code).flatMap((option) => readIdentity(option) ?? []);

const idsIn = (message: Dhcp6Message, code: number): readonly number[] =>
  withCode(message, code).flatMap(({ data }) => (data.length < 4 ? [] : [data.readUInt32BE(0)]));
