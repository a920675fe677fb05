/**
 * The image that no source has: a distribution that this computer builds of its own packages, when somebody
 * wants it. The builder is a process of its own, and what it says is passed on; an image that was built
 * before is only named by it.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { StatusError } from "../../protocol/wire/status.ts";
import { builtSource } from "../config/catalogue.ts";
import { programFile } from "../package/program-files.ts";
import { type Checksum, checksumOf, type Entry } from "./entry.ts";

export const builtEntry: Entry = {
  ...{ source: builtSource, name: "debian", aliases: [], family: "debian", version: "-" },
  ...{ architecture: "x86_64", format: "qcow2", url: null, checksum: null, sizeBytes: null, login: "debian" },
};

export interface BuiltImage {
  /** Absolute path. */
  readonly path: string;
  readonly checksum: Checksum;
  readonly version: string;
}

export interface Building {
  /** The builder's own; made anew as a whole. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** The builder's program and its first words; absent: ours. */
  readonly program?: readonly [string, ...string[]];
}

/** @throws StatusError imageNotBuilt, with what the builder said; the signal's reason when it is aborted */
export async function buildImage({ directory, signal, say, program }: Building): Promise<BuiltImage> {
  signal.throwIfAborted();
  const [command, ...words] = program ?? [process.execPath, programFile("setup/distribution/main")];
  // A group of its own: a terminal's Ctrl-C reaches us, and we end it, so that it takes its work away.
  const child = spawn(command, [...words, directory], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  let last = "The builder said nothing.";
  let answer = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    last = line;
    say(line);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    answer = line;
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    const built = code === 0 ? builtIn(answer) : undefined;
    if (built !== undefined) return built;
    // Root's image is everybody's: it is only read afterwards.
    const typed = process.getuid?.() === 0 ? "" : ` Type: sudo ${[command, ...words, directory].join(" ")}`;
    throw new StatusError("imageNotBuilt", `The image of Debian could not be built. ${last}${typed}`);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The builder's answer; undefined: it is none. */
export function builtIn(line: string): BuiltImage | undefined {
  try {
    const { disk, sha256, version }: Readonly<Record<string, unknown>> = Object(JSON.parse(line));
    const checksum = checksumOf(sha256);
    if (typeof disk !== "string" || typeof version !== "string" || checksum === undefined) return undefined;
    return { path: disk, checksum, version };
  } catch {
    return undefined;
  }
}
