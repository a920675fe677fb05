/** What a plan asks of routers and floating addresses: method, id and request. Pure. */
import type { CommandKind } from "./plan.ts";
import { externalCommands, type RouterCommand, routerCommands } from "./plan-routers.ts";

/** As client-surroundings.ts has it. */
interface Call {
  readonly method: string;
  readonly id: string | undefined;
  readonly request: Readonly<Record<string, unknown>>;
}

const all: readonly string[] = [...externalCommands, ...routerCommands];
export const isOfRouters = (command: CommandKind): command is RouterCommand => all.includes(command);

/** As plan-networks.ts calls what there is. */
const subnet = (target: number): string => `of-${target % 4}`;
const port = (target: number): string => `port-${target % 12}`;
const router = (target: number): string => `router-${target % 8 === 7 ? 1 : 0}`;
const outside = "outside";
/** Of a port, or of whatever has the address. */
const leading = (target: number) => ({ target: { port: port(target) } });

/** `own`: a floating address of the client; undefined: it has none. */
export function routerCall(command: RouterCommand, target: number, own: string | undefined): Call {
  switch (command) {
    case "externalCreate":
      return {
        ...{ method: "network.create", id: "" },
        request: { name: outside, external: true, physicalNetwork: "public" },
      };
    case "externalSubnet":
      // Two addresses, for all clients.
      return {
        ...{ method: "subnet.create", id: "" },
        request: { name: "of-outside", network: outside, cidr: "192.0.2.0/29", pools: fewAddresses },
      };
    case "routerCreate": {
      const external = target % 3 === 2 ? {} : { externalNetwork: outside };
      return { method: "router.create", id: "", request: { name: router(target), ...external } };
    }
    case "routerDelete":
      return { method: "router.delete", id: router(target), request: {} };
    case "routerSet": {
      const request = target % 2 === 0 ? { snat: target % 4 === 0 } : { externalNetwork: leadingTo(target) };
      return { method: "router.set", id: router(target), request };
    }
    case "routerAdd":
      return { method: "router.addInterface", id: router(target), request: interfaceOf(target) };
    case "routerRemove":
      return { method: "router.removeInterface", id: router(target), request: interfaceOf(target) };
    case "floatingCreate": {
      const request = { network: outside, ...(target % 3 === 0 ? {} : leading(target)) };
      return { method: "floating-ip.create", id: "", request };
    }
    case "floatingSet": {
      const request = target % 4 === 0 ? { target: null } : leading(target);
      return { method: "floating-ip.set", id: own, request };
    }
    case "floatingDelete":
      return { method: "floating-ip.delete", id: own, request: {} };
  }
}

const fewAddresses = [{ first: "192.0.2.2", last: "192.0.2.3" }];
const leadingTo = (target: number): string | null => (target % 3 === 0 ? null : outside);
const interfaceOf = (target: number) =>
  target % 5 === 4 ? { port: port(target) } : { subnet: subnet(target) };
