/** The transit addresses that this host has given, written down before anything is told of them. */
import { readFile } from "node:fs/promises";
import type { Log } from "../../../../protocol/wire/transport.ts";
import { validatorOf } from "../../../../protocol/wire/validate.ts";
import { isMissing, writeDurably } from "../../durable-file.ts";
import { nextTransits, noTransits, Transits } from "./transits.ts";

export class TransitFile {
  readonly #path: string;
  readonly #log: Log;
  #last: Transits | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** @throws StatusError diskFull */
  async advance(routerIds: readonly string[]): Promise<Transits> {
    this.#last ??= await this.#read();
    const next = nextTransits(this.#last, routerIds);
    const isNew = routerIds.some((id) => this.#last?.numbers[id] !== next.numbers[id]);
    // A router that only goes must go on a full disk too: its number is given to nobody before it is written.
    if (isNew) await writeDurably(this.#path, JSON.stringify(next));
    this.#last = next;
    return next;
  }

  async #read(): Promise<Transits> {
    try {
      const said: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      if (validatorOf(Transits).accepts(said)) return said;
      this.#log.error({ path: this.#path }, "the addresses between routers are damaged: they are given anew");
    } catch (error) {
      if (!isMissing(error))
        this.#log.error({ path: this.#path, error: String(error) }, "the addresses between routers are lost");
    }
    return noTransits;
  }
}
