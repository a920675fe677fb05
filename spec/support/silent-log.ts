/** A log that nobody reads. */
import type { Log } from "../../protocol/wire/transport.ts";

const ignore = (): undefined => undefined;
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
