/** A log that nobody reads. */
import type { Log } from "../../actors/runtime/ports.ts";

const ignore = (): undefined => undefined;
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
