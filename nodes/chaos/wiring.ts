/**
 * What a client of the load asks for the interfaces of its instances: one more, one less, a port of hosts
 * that leads to one, and none any more. It knows of interfaces what answers have told, and asks for nothing
 * that it was not told of.
 */
import type { Novact } from "../sdk/sdk.ts";
import type { Asked } from "./caller.ts";
import type { Random } from "./random.ts";
import type { WiringCommand } from "./wiring-commands.ts";

/** Few ports, so that instances compete for each; below the range of Linux's own choice. */
const hostPorts = { first: 21_100, count: 12 } as const;

export class Wiring {
  readonly #novact: Novact;
  readonly #network: string;
  readonly #random: Random;
  /** Ids of ports, by instance. */
  readonly #ports = new Map<string, readonly string[]>();

  constructor({ novact, network, random }: WiringOptions) {
    this.#novact = novact;
    this.#network = network;
    this.#random = random;
  }

  /** Takes the answer of a call that shows an instance. */
  learn(answer: object | "refused" | undefined): void {
    if (typeof answer !== "object") return;
    const { all = [answer] } = answer as { readonly all?: readonly object[] };
    for (const { instance } of all as readonly Shown[]) {
      if (instance?.interfaces === undefined) continue;
      const ports = (instance.interfaces ?? []).map(({ portId }) => portId);
      this.#ports.set(instance.id, ports);
    }
  }

  /** Undefined: nothing is known of the instance's interfaces that the command could be about. */
  asked(command: WiringCommand, id: string): Asked | undefined {
    const { instance, publishedPort } = this.#novact;
    const hostPort = hostPorts.first + Math.floor(this.#random.between(0, hostPorts.count));
    const ports = this.#ports.get(id) ?? [];
    const port = ports.length === 0 ? undefined : this.#random.pick(ports);
    if (command === "attach") {
      const request = { network: this.#network };
      const send: Asked["send"] = (options) => instance.interfaceAttach(id, request, options);
      return { method: "instance.interfaceAttach", id, request, send };
    }
    if (command === "unpublish") {
      const send: Asked["send"] = (options) => publishedPort.delete(String(hostPort), {}, options);
      return { method: "published-port.delete", id: String(hostPort), request: {}, send };
    }
    if (port === undefined) return undefined;
    if (command === "detach") {
      const send: Asked["send"] = (options) => instance.interfaceDetach(id, { port }, options);
      return { method: "instance.interfaceDetach", id, request: { port }, send };
    }
    const request = { networkPort: port, hostPort, port: 22 };
    const send: Asked["send"] = (options) => publishedPort.create(request, options);
    return { method: "published-port.create", id: "", request, send };
  }
}

interface WiringOptions {
  readonly novact: Novact;
  /** Id of the network on which more interfaces are asked for. */
  readonly network: string;
  readonly random: Random;
}

interface Shown {
  readonly instance?: {
    readonly id: string;
    readonly interfaces?: readonly { readonly portId: string }[] | null;
  };
}
