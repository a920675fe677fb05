/**
 * The doctor's findings where they are more than an answer has room for: the first of them, and how many more
 * of which kind there are. One host must not fill the answer, and no advice may hide what is wrong. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { counted, isOrAre } from "../../../protocol/wire/wording.ts";

/** What is wrong first; then what people may decide. */
const order: Readonly<Record<Finding["kind"], number>> = { leak: 0, drift: 0, stuck: 0, advice: 1 };

/** `findings` of one weight: the first of them count most. */
export function atMost(max: number, findings: readonly Finding[], subject: string): Finding[] {
  if (findings.length <= max) return [...findings];
  const sorted = findings.toSorted((one, other) => order[one.kind] - order[other.kind]);
  const cut = sorted.slice(max);
  const kinds = [...Map.groupBy(cut, ({ kind }) => kind)].map(([kind, all]) => `${all.length} ${kind}`);
  const more = {
    // Whether the cluster is sound does not hang on how many there are.
    kind: cut[0]?.kind ?? "drift",
    subject,
    message: `${counted(cut.length, "more finding")} ${isOrAre(cut.length)} there: ${kinds.join(", ")}.`,
    next: "Look at those above first; a host with so many may say what is not so.",
  };
  return [...sorted.slice(0, max), more];
}
