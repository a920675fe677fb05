/**
 * The proxy between the parties of a cluster and its servers: one port of 127.0.0.1 for each link, one rule
 * for each direction. Without rules everything passes. The proxy does not interpret the bytes.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Flow } from "./flow.ts";
import { type Link, type LinkName, type LinkState, passing, type Rules } from "./link-rules.ts";

export interface LinkProxy {
  /** Sets the rules of a link. @throws RangeError for an unknown link */
  set(name: LinkName, rules: Rules): void;
  heal(): void;
  show(): readonly LinkState[];
  close(): Promise<void>;
}

const isCut = ({ toServer, fromServer }: Rules): boolean =>
  toServer.kind === "cut" || fromServer.kind === "cut";

/** Starts the proxy; resolves when it listens on all ports. @throws Error when one of the ports is taken */
export async function startProxy(links: readonly Link[]): Promise<LinkProxy> {
  const gates = new Map(links.map((link) => [link.name, new Gate(link)]));
  const all = [...gates.values()];
  await Promise.all(all.map((gate) => gate.listen()));
  return {
    set: (name, rules) => {
      const gate = gates.get(name);
      if (gate === undefined) throw new RangeError(`There is no link ${name}.`);
      gate.setRules(rules);
    },
    heal: () => {
      for (const gate of all) gate.setRules(passing);
    },
    show: () => all.map((gate) => gate.state()),
    close: async () => {
      await Promise.all(all.map((gate) => gate.close()));
    },
  };
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  readonly toServer: Flow;
  readonly fromServer: Flow;
}

/** A link: its port, and the connections to that port. */
class Gate {
  readonly #link: Link;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #rules: Rules = passing;

  constructor(link: Link) {
    this.#link = link;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port: this.#link.port }, () => resolve());
    });
  }

  setRules(rules: Rules): void {
    this.#rules = rules;
    if (isCut(rules)) this.#reset();
    for (const { toServer, fromServer } of this.#pairs) {
      toServer.setRule(rules.toServer);
      fromServer.setRule(rules.fromServer);
    }
  }

  state(): LinkState {
    return { name: this.#link.name, rules: this.#rules, connections: this.#pairs.size };
  }

  close(): Promise<void> {
    this.#reset();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #reset(): void {
    for (const { sockets } of this.#pairs) for (const socket of sockets) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  #accept(client: Socket): void {
    // The failure of one end reaches the other end by its close.
    client.on("error", () => undefined);
    if (isCut(this.#rules)) {
      client.resetAndDestroy();
      return;
    }
    const { serverHost: host, serverPort: port } = this.#link;
    const server = connect({ host, port, allowHalfOpen: true, noDelay: true });
    server.on("error", () => undefined);
    const pair: Pair = {
      sockets: [client, server],
      toServer: new Flow(client, server, this.#rules.toServer),
      fromServer: new Flow(server, client, this.#rules.fromServer),
    };
    this.#pairs.add(pair);
    const forget = () => {
      if (client.closed && server.closed) this.#pairs.delete(pair);
    };
    client.on("close", forget);
    server.on("close", forget);
  }
}
