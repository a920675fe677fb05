/**
 * The schemas of what a host says of itself in its inventory: texts, words and numbers, each with the bounds
 * of a computer that can be (decision 0027).
 */
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { reportLimits } from "./limits/report.ts";
import { answer, HostLabels } from "./wire/schema.ts";

/** Characters that end a line or steer a terminal do not belong into what a host says of itself. */
export const HostWord = Type.String({ pattern: "^[\\x20-\\x7e]{0,64}$" });
export const HostText = Type.String({
  maxLength: reportLimits.observedTextLengthMax,
  pattern: "^[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]*$",
});

/** The labels that a host's operator wrote into its configuration. */
export const OfferedLabels: typeof HostLabels = Type.Record(
  Type.String({ pattern: Object.keys(HostLabels.patternProperties)[0] ?? "" }),
  Type.String({ maxLength: fieldLimits.metadataValueLengthMax, pattern: HostText.pattern ?? "" }),
  { maxProperties: fieldLimits.hostLabelsMax, additionalProperties: false },
);

export const hostWords = (maxItems: number) =>
  Type.Array(Type.String({ pattern: "^[\\x21-\\x7e]{1,64}$" }), { maxItems });
export const upTo = (maximum: number) => Type.Integer({ minimum: 0, maximum });
/** A NUMA node (numa.ts) as a host may offer it: sums and products of its numbers stay integers. */
export const OfferedNumaNode = answer({
  vcpus: upTo(fieldLimits.hostVcpusMax),
  memoryMib: upTo(fieldLimits.hostMemoryMibMax),
  hugePages: Type.Array(
    answer({ sizeKib: upTo(fieldLimits.pageSizeKibMax), total: upTo(fieldLimits.hostPagesMax) }),
    { maxItems: 16 },
  ),
});
