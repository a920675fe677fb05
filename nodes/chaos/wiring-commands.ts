/** What the load of chaos asks of interfaces and published ports: words only, for scenarios as well. */
export const wiringCommands = ["attach", "detach", "publish", "unpublish"] as const;
export type WiringCommand = (typeof wiringCommands)[number];
