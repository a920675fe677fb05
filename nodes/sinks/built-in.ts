/** novact's own sinks, by name: a new one is a file and a line here. */
import { fileSink } from "./file.ts";
import type { SinkDriver } from "./kinds.ts";
import { webhookSink } from "./webhook.ts";

export const builtInSinks: Readonly<Record<string, SinkDriver>> = { file: fileSink, webhook: webhookSink };
