/** How controllers tell each other what was committed: a hint that may be lost, or be nonsense. */
import type { CommitHint } from "../../actors/control/request/commits.ts";
import { outboxHintSubject } from "../../protocol/wire/subjects.ts";
import type { Bus } from "../../protocol/wire/transport.ts";

type Tell = (hint: CommitHint) => void;

/** Tells this controller, to which the bus does not bring its own messages, and all others. */
export const tellingAll =
  ({ bus, cell }: { readonly bus: Bus; readonly cell: string }, tellSelf: Tell): Tell =>
  (hint) => {
    tellSelf(hint);
    bus.publish(outboxHintSubject(cell), { headers: {}, body: encodeHint(hint) });
  };

function encodeHint(hint: CommitHint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(hint));
}

const isText = (value: unknown): value is string => typeof value === "string";

/** The hint in a message of another controller; undefined when the message is none, which does no harm. */
export function decodeHint(body: Uint8Array): CommitHint | undefined {
  try {
    const hint = JSON.parse(new TextDecoder().decode(body)) as Partial<CommitHint>;
    const { lastSequence, ended, projects, touched } = hint;
    if (!Number.isInteger(lastSequence) || !Array.isArray(ended) || !Array.isArray(projects))
      return undefined;
    return {
      lastSequence: lastSequence ?? 0,
      ended: ended.filter(isText),
      projects: projects.filter(isText),
      ...(Array.isArray(touched) ? { touched: touched.filter(isText) } : {}),
    };
  } catch {
    return undefined;
  }
}
