/** What the audit of a host lists: whatever a driver keeps there for a guest. Schemas only. */
import { type TSchema, Type } from "@sinclair/typebox";
import { reportLimits } from "./limits/report.ts";
import { answer, Count, lenient } from "./wire/schema.ts";

/** A list in the answer of an audit: one entry that cannot be read keeps nobody from reading the others. */
export const audited = <T extends TSchema>(items: T) => lenient(items, reportLimits.auditEntriesMax);

export const AuditName = Type.String({ maxLength: reportLimits.auditNameLengthMax });

export const KeptThing = answer({
  /** `process`, `disk`, `network`, or a driver's own word. */
  kind: AuditName,
  instanceId: AuditName,
  /** 0: the thing does not tell. */
  ownerEpoch: Count,
  /** A noun for people, which tells the thing from others of the guest. */
  what: AuditName,
});
