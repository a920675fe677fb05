/** Runs one program to its end, within a time. */
import { execFile } from "node:child_process";

export interface Ran {
  /** 0: it succeeded. Null: it was ended by a signal. */
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

const outputBytesMax = 256 * 1024;

/** @throws AbortError; Error when the program is missing */
export function runTool(
  program: string,
  argv: readonly string[],
  { msMax, signal }: { readonly msMax: number; readonly signal?: AbortSignal },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = {
      ...({ timeout: msMax, killSignal: "SIGKILL", maxBuffer: outputBytesMax, cwd: "/" } as const),
      env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      ...(signal === undefined ? {} : { signal }),
    };
    execFile(program, argv, options, (error, output, errors) => {
      if (error === null) resolve({ exitCode: 0, output, errors });
      else if (error.name === "AbortError") reject(error);
      else if (typeof error.code === "number" || error.killed === true || error.signal)
        resolve({ exitCode: typeof error.code === "number" ? error.code : null, output, errors });
      else reject(new Error(`${program} could not be run: ${error.message}`, { cause: error }));
    });
  });
}
