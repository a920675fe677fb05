/** A log that writes nothing. */
import type { Log } from "../../protocol/wire/transport.ts";

const ignore = (): undefined => undefined;
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
