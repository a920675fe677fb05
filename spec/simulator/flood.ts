/**
 * A project that sends more than anybody could want, for a while, or several that conspire: thousands of
 * messages in one moment, and then as many again, evenly. They speak the bus by hand, without the SDK's
 * patience.
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import { commandSubject } from "../../protocol/wire/subjects.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { encodeUtf8 } from "../../protocol/wire/utf8.ts";
import { cell } from "./cluster.ts";
import { beginHostile, type HostileDeed, type HostileWorld } from "./hostile.ts";
import { nobody } from "./kernel.ts";
import { type FloodKind, floodKinds, floodProject } from "./plan-hostile.ts";

export interface PlannedFlood extends Omit<HostileDeed, "who"> {
  readonly what: FloodKind | "mixed";
  readonly messages: number;
  /** In the names of so many projects, in turn. */
  readonly projects: number;
}

interface Asked extends BusMessage {
  readonly subject: string;
}

/** Share of all messages that come in the first moment. */
const burstShare = 0.5;
const pulseMs = 100;

export function flood(world: HostileWorld, { what, messages, projects, ...deed }: PlannedFlood): void {
  const { kernel, cluster } = world;
  const process = beginHostile(world, { who: floodProject, projects, ...deed });
  const bus = cluster.network.connect(process);
  const kinds = what === "mixed" ? floodKinds : [what];
  let sent = 0;
  const send = (count: number) => {
    for (let index = 0; index < count; index += 1, sent += 1) {
      const { subject, ...message } = made[kinds[sent % kinds.length] ?? "commands"];
      const turn = Math.floor(sent / kinds.length) % projects;
      bus.publish(turn === 0 ? subject : subject.replace(floodProject, `${floodProject}-${turn}`), message);
    }
  };
  const burst = Math.round(messages * burstShare);
  const pulses = Math.max(1, Math.floor(deed.forMs / pulseMs) - 1);
  kernel.soon(process, "sends very much", () => send(burst));
  for (let pulse = 1; pulse <= pulses; pulse += 1)
    kernel.after(process, pulse * pulseMs, "", () => send(Math.ceil((messages - burst) / pulses)));
  kernel.after(nobody, deed.forMs, "", () =>
    kernel.trace.note(kernel.nowMs, process.name, `has sent ${sent} messages`),
  );
}

const asked = (noun: string, method: string, body: string, headers = {}): Asked => ({
  subject: commandSubject(cell, floodProject, noun, method),
  body: encodeUtf8(body),
  headers,
});

/** After every event there will ever be: it waits as long as it may. */
const lastOfAll = Number.MAX_SAFE_INTEGER - 1;
const waiting = JSON.stringify({ after: lastOfAll, waitMs: wireLimits.waitMsMax });

const made: Readonly<Record<FloodKind, Asked>> = {
  commands: asked("instance", "list", "{}"),
  malformed: asked("instance", "list", '{"limit":'),
  oversized: asked("instance", "list", " ".repeat(wireLimits.bodyBytesMax + 1)),
  polls: asked("event", "list", waiting, { [headerNames.timeoutMs]: String(wireLimits.waitMsMax + 5_000) }),
  questions: { subject: "$SRV.INFO", headers: {}, body: new Uint8Array() },
};
