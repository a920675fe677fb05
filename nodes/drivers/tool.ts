/**
 * Runs one short-lived tool of the system (qemu-img, fallocate, ipmitool) to its end, under a deadline and
 * with bounded output. Arguments are always a list: nothing here may ever pass through a shell.
 */
import { spawn } from "node:child_process";
import { abortError, throwIfAborted } from "./waiting.ts";

export interface ToolOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /**
   * Environment variables beside the few that every tool gets. The place for a secret: arguments can be seen
   * by everybody.
   */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the tool reads; its input stays open until the tool has ended. Absent: the tool reads nothing. */
  readonly input?: string;
  /** True: its input ends after `input`, for a tool that reads all of it before it ends. Absent: false. */
  readonly endsInput?: boolean;
  /** What is kept of its output, and of its errors. Absent: 256 KiB. */
  readonly outputBytesMax?: number;
  /** A descriptor that is passed to the tool as descriptor 3. */
  readonly descriptor?: number;
  /** A descriptor for the tool's output, passed as descriptor 4; needs `descriptor`. */
  readonly outputDescriptor?: number;
}

export interface ToolResult {
  /** Null: the tool was killed, by the deadline or by a signal. */
  readonly exitCode: number | null;
  /** The signal that killed the tool; null where there is an exit code. */
  readonly endSignal: NodeJS.Signals | null;
  /** The tool's time was over, and this file killed it. */
  readonly isLate: boolean;
  readonly output: string;
  readonly errors: string;
}

const usualOutputBytesMax = 256 * 1024;

/**
 * Runs the tool. An exit code other than 0 is answered, not thrown. @throws AbortError; Error when the tool
 * does not exist
 */
export function runTool(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
  throwIfAborted(options.signal);
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, {
      cwd: options.cwd ?? "/",
      env: { ...toolEnvironment, ...options.environment },
      stdio: [
        options.input === undefined ? "ignore" : "pipe",
        "pipe",
        "pipe",
        ...[options.descriptor, options.outputDescriptor].filter((one) => one !== undefined),
      ],
      // A longer one would be over at once: 31 bits is what a timer has.
      timeout: Math.min(options.timeoutMs, 2 ** 31 - 1),
      killSignal: "SIGKILL",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    // A tool that has ended reads no more, and how it ended is what counts.
    child.stdin?.on("error", () => undefined);
    if (options.input !== undefined) child.stdin?.write(options.input);
    if (options.endsInput === true) child.stdin?.end();
    const { outputBytesMax = usualOutputBytesMax } = options;
    const output = collect(child.stdout, outputBytesMax);
    const errors = collect(child.stderr, outputBytesMax);
    child.once("error", (error) => {
      // Node kills an aborted tool and reports it here; the end of the tool comes as "close".
      if (error.name !== "AbortError") reject(error);
    });
    child.once("close", (exitCode, endSignal) => {
      if (options.signal?.aborted === true) reject(abortError());
      else resolve({ exitCode, endSignal, isLate: child.killed, output: output(), errors: errors() });
    });
  });
}

/** Nothing of the agent's own environment, which may hold credentials. */
export const toolEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
} as const;

/** The beginning of what the stream says, when it has ended. */
export function collect(stream: NodeJS.ReadableStream | null, outputBytesMax: number): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (bytes < outputBytesMax) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).subarray(0, outputBytesMax).toString("utf8");
}
