/** What the load of chaos asks of routers and floating addresses: words only, for scenarios as well. */
export const routingCommands = ["route", "unroute", "lead", "float", "refloat", "unfloat"] as const;
export type RoutingCommand = (typeof routingCommands)[number];
