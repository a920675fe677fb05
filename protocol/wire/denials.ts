/** Refusals as values: what is wrong with a field of a request, and what is kept of a refusal. Pure. */
import { type Denial, type ErrorBody, StatusError } from "./status.ts";

/** A refusal of one field's value. `problem`: the rest of a sentence that the field's name begins. */
export const faultDenial = (field: string, problem: string): Denial => ({
  reason: "schemaMismatch",
  message: `The field ${field} ${problem}.`,
  details: { faults: [{ field, problem }] },
});

export const faulty = (field: string, problem: string): StatusError =>
  StatusError.of(faultDenial(field, problem));

/** The body of a denial, as a failed operation or instance keeps it. */
export function errorBodyOf(denial: Denial): ErrorBody {
  return StatusError.of(denial).toBody();
}
