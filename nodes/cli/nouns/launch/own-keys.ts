/**
 * The public keys of the person at this computer, as ssh has them. Private keys are never opened: it is only
 * looked whether one lies beside its public half.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../../errors.ts";
import { keyIn } from "./choose.ts";

export interface OwnKey {
  /** The file of the public half. */
  readonly file: string;
  /** The line in it. */
  readonly line: string;
  /** Kind and bytes. */
  readonly key: string;
  /** The file of the private half; undefined: an agent has it, or another computer. */
  readonly identity: string | undefined;
}

/** Kinds as ssh itself tries them; what is not among them comes after, by name. */
const order = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"];
const lineBytesMax = 16 * 1024;

/** Those in ~/.ssh, the best first. */
export function ownKeys({ HOME }: Readonly<Record<string, string | undefined>>): readonly OwnKey[] {
  const directory = join(HOME || homedir(), ".ssh");
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".pub")) : [];
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return names
    .toSorted((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1))
    .flatMap((name) => keyOf(join(directory, name)) ?? []);
}

/** The key in a file. @throws CommandError usage */
export function keyInFile(file: string): OwnKey {
  const found = keyOf(file);
  if (found !== undefined) return found;
  throw new CommandError(
    "usage",
    `The file ${file} has no public key of ssh.`,
    "Name a file such as id_ed25519.pub.",
  );
}

function keyOf(file: string): OwnKey | undefined {
  const line = firstLine(file);
  const key = keyIn(line);
  if (key === undefined) return undefined;
  const beside = file.replace(/\.pub$/, "");
  return { file, line, key, identity: beside !== file && existsSync(beside) ? beside : undefined };
}

/** Of what cannot be read, nothing: it is another key's turn. */
function firstLine(file: string): string {
  try {
    const opened = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(lineBytesMax);
      return bytes.subarray(0, readSync(opened, bytes)).toString("utf8").split("\n")[0] ?? "";
    } finally {
      closeSync(opened);
    }
  } catch {
    return "";
  }
}
