/**
 * A whole cluster with real servers and the fake hypervisor, in this process: PostgreSQL, NATS, one
 * controller, two compute nodes, one flavor and one image. For specs that see the cluster as a client does.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { startCompute } from "../../nodes/compute/main.ts";
import { statePaths } from "../../nodes/config/config.ts";
import { startController } from "../../nodes/controller/main.ts";
import { loadCluster } from "../../nodes/plugins/load.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { natsUrl, postgresUrl } from "./services.ts";
import { type Noted, rememberingLog } from "./wire-world.ts";

export interface LiveCluster {
  readonly url: string;
  readonly cell: string;
  /** The state directory of a node. */
  state(name: string): string;
  readonly flavor: string;
  readonly image: string;
  readonly admin: Novact;
  /** Registered files, by checksum. */
  readonly imageStore: string;
  /** Files may be registered from here. */
  readonly imageSources: string;
  /** The log lines of controller and nodes. */
  readonly noted: readonly Noted[];
  stop(): Promise<void>;
}

let started = 0;

/** A NATS server of the spec's own, where a controller needs no credentials. */
export interface OwnNats {
  readonly url: string;
  readonly cell: string;
}

/** Nodes as cluster.yaml has them, which the spec starts itself, each as it likes. */
export interface OwnNodes {
  readonly nodes: readonly object[];
  /** Files of plug-ins. Absent: none. */
  readonly plugins?: readonly string[];
  /** Starts them; `file` is the cluster.yaml. */
  start(file: string): Promise<void>;
  /** Files may be registered from here as well. */
  readonly imageSources: string;
}

const fakeNodes = [
  { name: "node-1", hypervisor: "fake" },
  { name: "node-2", hypervisor: "fake" },
];

/** Skips the spec when PostgreSQL or NATS is not installed. */
export async function startLiveCluster(
  context: Mocha.Context,
  own?: OwnNats,
  apart?: OwnNodes,
): Promise<LiveCluster> {
  const [url, database] = await Promise.all([own?.url ?? natsUrl(context), postgresUrl(context)]);
  const directory = await mkdtemp(join(tmpdir(), "novact-cluster-"));
  // Guests run as other users and pass through this directory.
  await chmod(directory, 0o711);
  started += 1;
  const cell = own?.cell ?? `live${process.pid}x${started}`;
  const images = join(directory, "images-to-register");
  await mkdir(images);
  await writeFile(join(images, "disk.raw"), new Uint8Array(1024 * 1024));
  const file = join(directory, "cluster.yaml");
  const yaml = {
    cell,
    stateDirectory: join(directory, "state"),
    nats: { url },
    postgres: { url: database },
    imageDirectories: apart === undefined ? [images] : [images, apart.imageSources],
    projects: ["demo", "other"],
    nodes: apart?.nodes ?? fakeNodes,
    demo: false,
    plugins: (apart?.plugins ?? []).map((path) => `./${relative(directory, path)}`),
  };
  await writeFile(file, JSON.stringify(yaml));
  const cluster = await loadCluster(file);
  const { config } = cluster;
  const noted: Noted[] = [];
  const log = rememberingLog(noted);
  const controller = await startController({ ...cluster, index: 0, log });
  const here = apart === undefined ? config.nodes : [];
  const computes = await Promise.all(
    here.map(({ name }) => startCompute({ ...cluster, nodeName: name, log })),
  );
  await apart?.start(file);
  const admin = await connect({ url, cell, project: "admin" });
  await admin.flavor.create({ name: "small", vcpus: 1, memoryMib: 128, diskGib: 1 });
  await admin.image.register({
    name: "blank",
    disk: { path: join(images, "disk.raw"), format: "raw" },
    properties: { architecture: process.arch === "arm64" ? "aarch64" : "x86_64" },
  });
  await untilAlive(admin, config.nodes.length);
  return {
    url,
    cell,
    state: (name) => statePaths(config).node(name),
    flavor: "small",
    image: "blank",
    admin,
    imageStore: statePaths(config).images,
    imageSources: images,
    noted,
    async stop() {
      await admin.close();
      await Promise.all(computes.map((compute) => compute.stop({ guests: true, patienceMs: 0 })));
      await controller.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A host is alive by its heartbeats, which are no events: it is asked for again and again. */
async function untilAlive(admin: Novact, count: number): Promise<void> {
  for (;;) {
    const { hosts } = await admin.host.list({});
    if (hosts.filter(({ alive }) => alive).length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
