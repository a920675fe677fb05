/**
 * What a port's question of DHCP is answered, and to which of its service addresses. The kernel has put the
 * port's own service address into the question, so a guest can pretend nothing by what it writes. Pure.
 */
import { answerBytesMax, answerTo } from "../dhcp/answer.ts";
import { readMessage, writeMessage } from "../dhcp/message.ts";
import type { AnsweredGuest } from "./state.ts";

export interface ResponderAnswer {
  readonly to: string;
  readonly payload: Buffer;
}

/** Undefined: there is no answer. */
export function answerFor({ own, all, lease }: AnsweredGuest, bytes: Buffer): ResponderAnswer | undefined {
  const asked = readMessage(bytes);
  const answer = asked && lease && answerTo(asked, lease);
  if (asked === undefined || lease === null || !answer) return undefined;
  const { broadcast, clientAddress, yourAddress } = answer;
  // RFC 2131, 4.1: to the guest's address, unless it has none yet and wants a broadcast.
  const isForAll = (clientAddress || yourAddress) === 0 || (broadcast && clientAddress === 0);
  return {
    to: isForAll ? all : own,
    payload: writeMessage(answer, answerBytesMax(asked, lease.mtuBytes)),
  };
}
