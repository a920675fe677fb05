/**
 * The picture that a host has applied, which outlives the agent as the packets do. A file that is damaged
 * must never be taken for an empty picture: that would close every port.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import {
  FarPicture,
  GroupPicture,
  type HostNetworking,
  NetworkPicture,
  RouterPicture,
} from "../../../protocol/networking.ts";
import { answer, Count } from "../../../protocol/wire/schema.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { isMissing, writeDurably } from "../durable-file.ts";

const Picture = answer({
  ...{ version: Count, networks: Type.Array(NetworkPicture), groups: Type.Array(GroupPicture) },
  far: Type.Optional(Type.Array(FarPicture)),
  routers: Type.Optional(Type.Array(RouterPicture)),
});

export class PictureFile {
  readonly #path: string;
  readonly #log: Log;

  /** @param directory which only the agent's user may enter */
  constructor(directory: string, log: Log) {
    this.#path = join(directory, "picture.json");
    this.#log = log;
  }

  /** Null: none was applied yet. Undefined: it is damaged. */
  async read(): Promise<HostNetworking | null | undefined> {
    try {
      const picture: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      if (validatorOf(Picture).accepts(picture)) return picture;
    } catch (error) {
      if (isMissing(error)) return null;
      if (!(error instanceof SyntaxError)) throw error;
    }
    this.#log.error({ path: this.#path }, "the picture of networks is damaged: no port opens or closes");
    return undefined;
  }

  /** @throws StatusError diskFull */
  async write(picture: HostNetworking): Promise<void> {
    await writeDurably(this.#path, JSON.stringify(picture));
  }
}
