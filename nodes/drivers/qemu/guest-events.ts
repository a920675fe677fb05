/** What QEMU's events and states mean for a guest, by value. It must never ask QEMU anything. */
import type { GuestEvent, GuestStatus } from "../../../actors/ports/hypervisor.ts";
import { asObject, type QmpEvent } from "./qmp.ts";

/** Source: QEMU 7.2's RunState. */
export function statusOf(answer: unknown): GuestStatus {
  const status = asObject(answer)?.status;
  if (status === "running" || status === "suspended") return "running";
  if (status === "shutdown") return "shutdown";
  return status === "guest-panicked" || status === "internal-error" ? "panicked" : "paused";
}

/** With the policy for errors that guests have, only a write without room stops one. */
export const isFull = (answer: unknown): boolean => asObject(answer)?.status === "io-error";

export const isOfFullDisk = ({ name, data }: QmpEvent): boolean =>
  name === "BLOCK_IO_ERROR" && data.nospace === true && data.action === "stop";

/** The place of a volume whose device has left the guest, whoever wanted that. */
export function placeLeft({ name, data }: QmpEvent): number | undefined {
  const [, place] = (name === "DEVICE_DELETED" && /^volume([0-9]{1,3})$/.exec(String(data.device))) || [];
  return place === undefined ? undefined : Number(place);
}

export interface Change {
  readonly kind: Exclude<GuestEvent["kind"], "lost" | "ejected">;
  readonly status: GuestStatus;
  /** True: the event may be the echo of one of our commands. */
  readonly ours: boolean;
}

/** The meaning of an event for the guest; undefined: no meaning that matters here. */
export function meaningOf(event: QmpEvent, status: GuestStatus): Change | undefined {
  switch (event.name) {
    case "STOP":
      // QEMU also stops the CPUs of a guest that has ended: that is no pause.
      return status === "running" ? { kind: "paused", status: "paused", ours: true } : undefined;
    case "RESUME":
      return status === "running" ? undefined : { kind: "resumed", status: "running", ours: true };
    case "SHUTDOWN":
      return event.data.guest === true ? { kind: "shutdown", status: "shutdown", ours: false } : undefined;
    case "RESET":
      return event.data.guest === true ? { kind: "reset", status, ours: false } : undefined;
    case "GUEST_PANICKED":
      return { kind: "panicked", status: "panicked", ours: false };
    default:
      return undefined;
  }
}
