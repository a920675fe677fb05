/** Pretended bridges of one host. Like real bridges they outlive the agent. */
import { type Bridge, type Bridges, isOutgrown, isSame, keyOf } from "../src/bridges.ts";

interface Begun {
  readonly bridge: Bridge;
  readonly sizeBytes: number;
}

export class FakeBridges implements Bridges {
  #begun: readonly Begun[] = [];
  /** Whether guests are connected to all of them. */
  connected = false;

  async open(bridge: Bridge, sizeBytes: number): Promise<string> {
    const there = this.#begun.find((one) => isSame(one.bridge, bridge));
    if (there === undefined || isOutgrown(there.sizeBytes, sizeBytes, this.connected)) {
      await this.end(bridge);
      this.#begun = [...this.#begun, { bridge, sizeBytes }];
    }
    return `/bridges/${encodeURIComponent(keyOf(bridge))}`;
  }

  async renew(bridge: Bridge, sizeBytes: number): Promise<void> {
    await this.open(bridge, sizeBytes);
  }

  async list(): Promise<readonly Bridge[]> {
    return this.#begun.map(({ bridge }) => bridge);
  }

  sizes(): readonly number[] {
    return this.#begun.map(({ sizeBytes }) => sizeBytes);
  }

  async end(bridge: Bridge): Promise<void> {
    this.#begun = this.#begun.filter((one) => !isSame(one.bridge, bridge));
  }
}
