/**
 * The picture that a host has applied, which outlives the agent as the macvtaps do. A file that is damaged
 * must never be taken for an empty picture: that would close every port.
 */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Log, StatusError } from "novact/plugin";
import type { Applied, PicturedPort } from "./plan.ts";

export class PictureFile {
  readonly #path: string;
  readonly #log: Log;

  /** @param directory of the driver's own */
  constructor(directory: string, log: Log) {
    this.#path = join(directory, "picture.json");
    this.#log = log;
  }

  /** Null: none was applied yet. Undefined: it is damaged. */
  async read(): Promise<Applied | null | undefined> {
    try {
      const said: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      if (isApplied(said)) return said;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      if (!(error instanceof SyntaxError)) throw error;
    }
    this.#log.error({ path: this.#path }, "the picture of networks is damaged: no port opens or closes");
    return undefined;
  }

  /** The file is either whole or what it was. @throws StatusError diskFull */
  async write(applied: Applied): Promise<void> {
    const [directory, fresh] = [dirname(this.#path), `${this.#path}.tmp`];
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await synced(fresh, "w", JSON.stringify(applied));
      await rename(fresh, this.#path);
      await synced(directory, "r");
    } catch (error) {
      await rm(fresh, { force: true });
      if (!["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) throw error;
      const message = "The host has no space left for the picture of its networks.";
      throw new StatusError("diskFull", message, { cause: error });
    }
  }
}

async function synced(path: string, flags: string, content?: string): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    if (content !== undefined) await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const isApplied = (said: unknown): said is Applied =>
  isObject(said) &&
  "version" in said &&
  Number.isSafeInteger(said.version) &&
  "ports" in said &&
  Array.isArray(said.ports) &&
  said.ports.every(isPort);

function isPort(said: unknown): said is PicturedPort {
  if (!isObject(said)) return false;
  const { portId, device, mac, mtuBytes, isFiltered }: Partial<Record<keyof PicturedPort, unknown>> = said;
  const texts = [portId, device, mac].every((one) => typeof one === "string");
  return texts && typeof mtuBytes === "number" && typeof isFiltered === "boolean";
}
