/**
 * What a router tells a guest of a packet that did not pass: an error of ICMP, so that the guest need not
 * wait. Not too often, and never about an error, or about what the guest was not allowed to send.
 */
import { mayLeave } from "../filter/judge.ts";
import type { Carried } from "../frames/flow.ts";
import { isAnswer, isQuestion } from "../frames/flow.ts";
import { type IcmpError, writeIcmpError } from "../frames/icmp.ts";
import { type DropReason, drop, type Outcome, type Sent, type World } from "../outcome.ts";
import type { Gate } from "../planned.ts";

export interface Complaint {
  readonly kind: IcmpError;
  readonly reason: DropReason;
  /** Whose address says it. */
  readonly from: Gate;
  /** Of the link that the packet was too large for. */
  readonly mtuBytes?: number;
  /** The sender's rules have let it go. */
  readonly isJudged: boolean;
}

export function complain({ memory }: World, sent: Sent, complaint: Complaint, nowMs: number): Outcome {
  const { port, frame, packet, carried } = sent;
  const { reason, isJudged, from, ...error } = complaint;
  if (carried === undefined || isNotice(carried)) return drop(reason);
  if (!isJudged && !mayLeave(port, carried)) return drop("egressRule");
  if (!memory.errors.take(port.portId, nowMs)) return drop(reason);
  return { kind: "answer", reason, frame: writeIcmpError(frame, packet, { ...error, from: from.address }) };
}

/** An error, or a type of ICMP that is unknown: no router complains about one. */
export const isNotice = ({ flow, icmp }: Carried): boolean =>
  icmp !== null && !isQuestion(flow, icmp.type) && !isAnswer(flow, icmp.type);
