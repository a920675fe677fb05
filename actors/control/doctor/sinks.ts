/** Sinks of events that take none, or have missed some. Pure. */
import type { Finding } from "../../../protocol/host.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { AilingSink, DoctorInput } from "./input.ts";

export const sinkFindings = ({ sinks = [] }: DoctorInput): Finding[] => sinks.map(findingOf);

function findingOf(sink: AilingSink): Finding {
  const about = { kind: "drift" as const, subject: `sink ${sink.name}` };
  if ("missed" in sink)
    return {
      ...about,
      message: `It has missed ${counted(sink.missed, "event")}: they are kept no longer.`,
      next: "What they were is lost to the sink; it goes on with those after them. Keep it within reach.",
    };
  return {
    ...about,
    // Nothing that grows or changes from look to look: only findings of both looks are told.
    message: `It has taken no events since ${new Date(sink.failingSinceMs).toISOString()}.`,
    next: `It failed last with: ${sink.why}. Mend it, or its options in cluster.yaml: it then gets all that is kept.`,
  };
}
