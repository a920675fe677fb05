/** Pretended bridges of one host. Like real bridges they outlive the agent. */
import { type Bridge, type Bridges, isSame, keyOf } from "../src/bridges.ts";

export class FakeBridges implements Bridges {
  #open: readonly Bridge[] = [];

  async open(bridge: Bridge): Promise<string> {
    await this.end(bridge);
    this.#open = [...this.#open, bridge];
    return `/bridges/${encodeURIComponent(keyOf(bridge))}`;
  }

  async renew(bridge: Bridge): Promise<void> {
    await this.open(bridge);
  }

  async list(): Promise<readonly Bridge[]> {
    return this.#open;
  }

  async end(bridge: Bridge): Promise<void> {
    this.#open = this.#open.filter((one) => !isSame(one, bridge));
  }
}
