/** Request ids: a command repeated with its id is executed once and answered alike (I5). */
import { StatusError } from "../../../protocol/wire/status.ts";

export function requestIdReused(requestId: string): StatusError {
  return new StatusError("requestIdReused", `The request id ${requestId} was used for another command.`);
}
