/** What the audit of a host lists: whatever a driver keeps there for a guest. Schemas only. */
import { type TSchema, Type } from "@sinclair/typebox";
import { reportLimits } from "./limits/report.ts";
import { answer, Count, lenient } from "./wire/schema.ts";

/** A list in the answer of an audit: one entry that cannot be read keeps nobody from reading the others. */
export const audited = <T extends TSchema>(items: T) => lenient(items, reportLimits.auditEntriesMax);

const AuditName = Type.String({ maxLength: reportLimits.auditNameLengthMax });

const KeptThing = answer({
  /** `process`, `disk`, `network`, or a driver's own word. */
  kind: AuditName,
  instanceId: AuditName,
  /** 0: the thing does not tell. */
  ownerEpoch: Count,
  /** A noun for people, which tells the thing from others of the guest. */
  what: AuditName,
});

/** What a host finds without asking its actors. */
export const keptThings = {
  /** The processes of guests. */
  processes: audited(answer({ instanceId: AuditName, pid: Count, status: AuditName })),
  /** The instance ids that have a directory, and the files in each. */
  directories: audited(answer({ instanceId: AuditName, files: Type.Array(Type.String()) })),
  /** What else is kept for guests. Absent: an agent that keeps processes and directories alone. */
  holdings: Type.Optional(audited(KeptThing)),
};
