/** An operation as a client sees it. Pure. */
import type { Operation } from "../../../protocol/operation.ts";
import type { OperationRecord } from "../../records/instance.ts";

/** `instanceId` is what clients from before there were operations of other nouns know. */
export const operationView = (operation: OperationRecord): Operation => ({
  ...operation,
  instanceId: operation.entityId,
});
