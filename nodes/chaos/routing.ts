/**
 * What a client of the load asks of routers: a network of its own and a router before it, made and removed
 * again and again, interfaces, the way outside, and floating addresses that lead to its instances. It knows
 * what answers have told; what it has forgotten after an unclear answer is found by its name at the end.
 */
import type { Novact } from "../sdk/sdk.ts";
import { type Asked, asked } from "./caller.ts";
import type { Random } from "./random.ts";
import type { RoutingCommand } from "./routing-commands.ts";

export interface RoutingOptions {
  /** Of the client: names of what it makes begin with it. */
  readonly name: string;
  readonly novact: Novact;
  readonly random: Random;
  /** Id of the external network. */
  readonly outside: string;
}

/** Each client has the same range: what has the same addresses must stay apart. */
const range = "10.78.0.0/28";
/** How often a router goes rather than its interface, leads nowhere, and an address leads nowhere. */
const goneShare = 0.4;
const nowhereShare = 0.3;

export const ownNetwork = (client: string): string => `${client}-net`;

export class Routing {
  readonly #options: RoutingOptions;
  readonly #name: string;
  #router: string | undefined;
  /** Whether it leads to the client's network, as the last answer told. */
  #joined = false;
  readonly #floating = new Set<string>();
  /** Ids of ports on the client's own network, by instance. */
  readonly #ports = new Map<string, readonly string[]>();
  #networkId: string | undefined;

  constructor(options: RoutingOptions) {
    this.#options = options;
    this.#name = ownNetwork(options.name);
  }

  /** Asked before anything else, in this order. */
  first(): readonly Asked[] {
    const { novact } = this.#options;
    const [network, subnet] = [{ name: this.#name }, { name: this.#name, network: this.#name, cidr: range }];
    return [
      asked("network.create", "", network, (options) => novact.network.create(network, options)),
      asked("subnet.create", "", subnet, (options) => novact.subnet.create(subnet, options)),
    ];
  }

  /** Takes the answer of any call of the client. */
  learn({ method, id }: Pick<Asked, "method" | "id">, answer: object | "refused" | undefined): void {
    if (method === "router.delete" && answer !== "refused") this.#router = undefined;
    if (method === "floating-ip.delete") this.#floating.delete(id);
    if (typeof answer !== "object") return;
    const { network, router, floatingIp, all = [answer as Telling] } = answer as Told;
    if (method === "network.create") this.#networkId = network?.id;
    if (method === "instance.delete") this.#ports.delete(id);
    if (method === "router.create") this.#router = router?.id;
    if (router !== undefined) this.#joined = (router.interfaces ?? []).length > 0;
    if (method === "floating-ip.create" && floatingIp !== undefined) this.#floating.add(floatingIp.id);
    for (const { instance } of all)
      if (instance?.interfaces !== undefined) this.#ports.set(instance.id, this.#own(instance));
  }

  #own({ interfaces }: TellingInstance): readonly string[] {
    return (interfaces ?? [])
      .filter(({ networkId }) => networkId === this.#networkId)
      .map(({ portId }) => portId);
  }

  /** Undefined: the client knows of no router, or of no address, to ask about. */
  asked(command: RoutingCommand): Asked | undefined {
    switch (command) {
      case "route":
        return this.#route();
      case "unroute":
        return this.#unroute();
      case "lead":
        return this.#lead();
      case "float":
        return this.#float();
      case "refloat":
        return this.#refloat();
      case "unfloat":
        return this.#unfloat();
    }
  }

  #route(): Asked | undefined {
    const { novact, outside: externalNetwork, name } = this.#options;
    const id = this.#router;
    if (id === undefined) {
      const request = { name: `${name}-router`, externalNetwork };
      return asked("router.create", "", request, (options) => novact.router.create(request, options));
    }
    if (this.#joined) return this.#lead();
    const request = { subnet: this.#name };
    const send: Asked["send"] = (options) => novact.router.addInterface(id, request, options);
    return asked("router.addInterface", id, request, send);
  }

  #unroute(): Asked | undefined {
    const { novact, random } = this.#options;
    const id = this.#router;
    if (id === undefined) return undefined;
    if (random.next() < goneShare)
      return asked("router.delete", id, {}, (options) => novact.router.delete(id, {}, options));
    const request = { subnet: this.#name };
    const send: Asked["send"] = (options) => novact.router.removeInterface(id, request, options);
    return asked("router.removeInterface", id, request, send);
  }

  #lead(): Asked | undefined {
    const { novact, random, outside } = this.#options;
    const id = this.#router;
    if (id === undefined) return undefined;
    const request = { externalNetwork: random.next() < nowhereShare ? null : outside };
    return asked("router.set", id, request, (options) => novact.router.set(id, request, options));
  }

  #float(): Asked {
    const { novact, outside: network } = this.#options;
    const port = this.#somePort();
    const request = { network, ...(port === undefined ? {} : { target: { port } }) };
    const send: Asked["send"] = (options) => novact.floatingIp.create(request, options);
    return asked("floating-ip.create", "", request, send);
  }

  #refloat(): Asked | undefined {
    const { novact, random } = this.#options;
    const [id, port] = [this.#someFloating(), this.#somePort()];
    if (id === undefined) return undefined;
    const isLed = port !== undefined && random.next() >= nowhereShare;
    const request = { target: isLed ? { port } : null };
    return asked("floating-ip.set", id, request, (options) => novact.floatingIp.set(id, request, options));
  }

  #unfloat(): Asked | undefined {
    const id = this.#someFloating();
    if (id === undefined) return undefined;
    const { novact } = this.#options;
    return asked("floating-ip.delete", id, {}, (options) => novact.floatingIp.delete(id, {}, options));
  }

  #somePort(): string | undefined {
    const ports = [...this.#ports.values()].flat();
    return ports.length === 0 ? undefined : this.#options.random.pick(ports);
  }

  #someFloating(): string | undefined {
    return this.#floating.size === 0 ? undefined : this.#options.random.pick([...this.#floating]);
  }
}

interface TellingInstance {
  readonly id: string;
  readonly interfaces?: readonly { readonly portId: string; readonly networkId: string }[] | null;
}

interface Telling {
  readonly instance?: TellingInstance;
}

interface Told {
  readonly network?: { readonly id: string };
  readonly router?: { readonly id: string; readonly interfaces?: readonly object[] };
  readonly floatingIp?: { readonly id: string };
  readonly all?: readonly Telling[];
}
