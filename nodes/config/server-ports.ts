/** The ports on which a cluster's servers listen, as its configuration names them. Pure. */
import type { ClusterConfig } from "./config.ts";

/** PostgreSQL's and NATS's own, where a URL names none. */
const usualPorts = { postgres: 5_432, nats: 4_222 } as const;

/** Without those that the computer chooses, which are higher than any published one (networkLimits). */
export function serverPortsOf({
  nats,
  postgres,
  metrics,
  images,
  controllers,
}: Pick<ClusterConfig, "nats" | "postgres" | "metrics" | "images" | "controllers">): ReadonlySet<number> {
  const ports = [
    ...[nats.port, postgres.port, nats.websocket?.port ?? 0, metrics?.port ?? 0],
    ...Array.from({ length: controllers }, (_, index) => imagePortOf({ images }, index)),
    ...(nats.url === undefined ? [] : nats.url.split(",").map((url) => portOf(url, usualPorts.nats))),
    ...(postgres.url === undefined ? [] : [portOf(postgres.url, usualPorts.postgres)]),
  ];
  return new Set(ports.filter((port) => port > 0));
}

/** Where a controller takes and gives images; 0: any free port. */
export const imagePortOf = ({ images }: Pick<ClusterConfig, "images">, index: number): number =>
  images.port === 0 ? 0 : images.port + index;

/** A URL that is none was refused when the configuration was read. */
function portOf(url: string, usual: number): number {
  const { port } = URL.canParse(url) ? new URL(url) : { port: "" };
  return port === "" ? usual : Number(port);
}
