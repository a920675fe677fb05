/** What is written of a command that was accepted: its event, and its answer by its request id. Pure. */
import type { RequestRecord } from "../../records/commit.ts";
import type { LoadedInstance, OperationRecord } from "../../records/instance.ts";
import type { Told } from "./change.ts";
import { type Commanded, commandAnswer } from "./command.ts";
import type { HostFacts } from "./messages.ts";

export function acceptance(
  { command, request }: Pick<Commanded, "command" | "request">,
  facts: Told["body"],
): Told {
  return { event: "accepted", body: { command, ...facts }, requestId: request.requestId };
}

export function requestOf(
  event: Pick<Commanded, "request" | "nowMs"> & { readonly host: HostFacts | undefined },
  next: LoadedInstance,
  operation: OperationRecord,
): RequestRecord {
  const { project, requestId, contentHash } = event.request;
  const answer = commandAnswer(next, operation, event.host);
  return { project, requestId, contentHash, answer, atMs: event.nowMs };
}
