/** Runs one program to its end, within a time. Arguments are a list: nothing here passes through a shell. */
import { spawn } from "node:child_process";
import { macvtapLimits } from "./limits.ts";

export interface Ran {
  readonly succeeded: boolean;
  readonly output: string;
  readonly errors: string;
}

const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** `input`: what the program reads. @throws Error when the program is missing */
export function runTool(program: string, argv: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      ...{ cwd: "/", env: environment, timeout: macvtapLimits.toolMsMax, killSignal: "SIGKILL" },
      stdio: "pipe",
    });
    // A program that has ended reads no more, and how it ended is what counts.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [output, errors] = [collect(child.stdout), collect(child.stderr)];
    child.once("error", (error) => reject(new Error(`${program} could not be run.`, { cause: error })));
    child.once("close", (code) => resolve({ succeeded: code === 0, output: output(), errors: errors() }));
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    if (bytes < macvtapLimits.toolOutputBytesMax) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
