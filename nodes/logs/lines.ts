/**
 * Lines of the logs of a cluster's processes (nodes/process/log.ts writes them), and what is asked of them.
 * Pure: text in, lines out. A line that is no line of ours is passed over.
 */
export interface LogLine {
  readonly atMs: number;
  readonly process: string;
  readonly level: string;
  readonly message: string;
  /** Further fields of the line, by name. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LogQuestion {
  readonly requestId?: string;
  readonly instanceId?: string;
  /** Wall-clock time; absent: from the oldest line that is kept. */
  readonly sinceMs?: number;
}

export function lineIn(text: string): LogLine | undefined {
  const value = valueIn(text);
  if (value === undefined) return undefined;
  const { time, process, level, msg, ...fields } = value;
  const atMs = Date.parse(String(time));
  if (Number.isNaN(atMs) || typeof process !== "string" || typeof level !== "string") return undefined;
  return { atMs, process, level, message: typeof msg === "string" ? msg : "", fields };
}

function valueIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    // Half a line: the process died while it wrote, or is writing now.
    return undefined;
  }
}

/** Whether the line answers the question: it has each of the ids as a value somewhere. */
export function answers(line: LogLine, { requestId, instanceId, sinceMs }: LogQuestion): boolean {
  if (sinceMs !== undefined && line.atMs < sinceMs) return false;
  if (requestId !== undefined && !has(line.fields, requestId)) return false;
  return instanceId === undefined || has(line.fields, instanceId);
}

/** A text of the line may only be it, or name it between other words, as a subject does. */
function has(value: unknown, wanted: string): boolean {
  if (typeof value === "string") return value === wanted || value.split(/[^\w-]+/).includes(wanted);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((part) => has(part, wanted));
}
