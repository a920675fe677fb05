/**
 * DHCP in frames: a guest's question is taken out of its frame, and the answer put into one that goes back to
 * the same port, whatever addresses the question has. Nobody else ever sees either.
 */
import { answerBytesMax, answerTo } from "../dhcp/answer.ts";
import { serviceAddress } from "../dhcp/lease.ts";
import { type DhcpMessage, readMessage, writeMessage } from "../dhcp/message.ts";
import { addressOfNumber } from "./filter/address-set.ts";
import { broadcastMac, type Frame } from "./frames/ethernet.ts";
import type { IpPacket } from "./frames/ip.ts";
import { writeDatagram } from "./frames/udp.ts";
import type { PlannedPort } from "./planned.ts";

/** The address of the switch's own services, in each network. */
export const serviceDigits = addressOfNumber(serviceAddress);
/** The MAC of that address; no card is given it by its maker. */
export const serviceMac = "02a9fea9fe00";

const everybody = "ffffffff";
const udpBytes = 8;

/** Undefined: there is no answer. */
export function dhcpAnswer(port: PlannedPort, frame: Frame, packet: IpPacket): Buffer | undefined {
  const { destination, fragment, at, end } = packet;
  if (fragment !== null || (destination !== everybody && destination !== serviceDigits)) return undefined;
  const asked = readMessage(frame.bytes.subarray(at + udpBytes, end));
  if (asked === undefined || port.lease === undefined) return undefined;
  const answer = answerTo(asked, port.lease);
  if (answer === undefined) return undefined;
  const payload = writeMessage(answer, answerBytesMax(asked, port.network.mtuBytes));
  return writeDatagram({ ...endsOf(answer, frame), payload });
}

/** RFC 2131, 4.1: to the guest's present address, or to its new one, or to everybody if it wants that. */
function endsOf({ broadcast, clientAddress, yourAddress }: DhcpMessage, { source: guest }: Frame) {
  const address = clientAddress || yourAddress;
  const isForAll = address === 0 || (broadcast && clientAddress === 0);
  return {
    ...{ source: serviceDigits, sourceMac: serviceMac, sourcePort: 67, destinationPort: 68 },
    destination: isForAll ? everybody : addressOfNumber(address),
    destinationMac: isForAll ? broadcastMac : guest,
  };
}
