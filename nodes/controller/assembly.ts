/**
 * A controller, put together from its ports: nothing but `new` and `connect`, no decision. Production, the
 * tests and the simulator call it with other implementations of the same ports. What hears the hosts and
 * fences them is put together in safety.ts.
 */

import { beginImage } from "../../actors/control/catalog/copies/making.ts";
import { resourcesHandlers } from "../../actors/control/catalog/handlers.ts";
import { ImagePeers } from "../../actors/control/catalog/image-peers.ts";
import { imageSweeperDefinition } from "../../actors/control/catalog/image-sweeper.ts";
import { networkingOf } from "../../actors/control/catalog/networks/handlers.ts";
import { quotaHandlers } from "../../actors/control/catalog/quotas.ts";
import { volumeSweeperDefinition } from "../../actors/control/catalog/volumes/volume-sweeper.ts";
import { HostDirectory } from "../../actors/control/directory/directory.ts";
import { zoneHandlers } from "../../actors/control/directory/zones.ts";
import type { Diagnosis } from "../../actors/control/doctor/compare.ts";
import { type DoctorOptions, examine } from "../../actors/control/doctor/examine.ts";
import type { AilingSink } from "../../actors/control/doctor/input.ts";
import { releases } from "../../actors/control/doctor/releases.ts";
import type { NamedExtensions } from "../../actors/control/extensions/definition.ts";
import { extensionServices, limitedExtensions } from "../../actors/control/extensions/implement.ts";
import { breaker } from "../../actors/control/fleet/breaker.ts";
import type { OpenSafety } from "../../actors/control/fleet/link.ts";
import { LeasePicture } from "../../actors/control/fleet/picture.ts";
import { recovererDefinition } from "../../actors/control/fleet/recoverer.ts";
import { hostHandlers } from "../../actors/control/fleet/service.ts";
import { StrangeReports } from "../../actors/control/fleet/strange-reports.ts";
import { hostActors } from "../../actors/control/host/actor.ts";
import { Surveys } from "../../actors/control/host/survey.ts";
import { wakerDefinition } from "../../actors/control/host/waker.ts";
import { InstanceRegistry } from "../../actors/control/instance/registry.ts";
import { Creator } from "../../actors/control/instances/creator.ts";
import { eventHandlers, operationHandlers } from "../../actors/control/instances/operations.ts";
import { type InstanceServiceOptions, instanceHandlers } from "../../actors/control/instances/service.ts";
import { explainHandler } from "../../actors/control/passage/explain.ts";
import { portLooks } from "../../actors/control/passage/port-looks.ts";
import { Placer } from "../../actors/control/placement/placer.ts";
import { reconcilerDefinition } from "../../actors/control/reconciler/actor.ts";
import { Commits } from "../../actors/control/request/commits.ts";
import { Waits } from "../../actors/control/request/waits.ts";
import type { SchedulerOptions } from "../../actors/control/scheduler/schedule.ts";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import type { ImageFiles } from "../../actors/ports/image-files.ts";
import type { PowerFence } from "../../actors/ports/power.ts";
import type { Store, WriterPicture } from "../../actors/ports/store.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import { type Meter, nullMeter } from "../../actors/runtime/meter.ts";
import { meterCalls, meterSpaces } from "../../actors/runtime/metered.ts";
import { SpaceWatch } from "../../actors/runtime/space-watch.ts";
import type { ActorRef, ActorSystem } from "../../actors/runtime/system.ts";
import { sweeperDefinition } from "../../actors/shared-storage/sweeper.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { Release } from "../../protocol/release.ts";
import { type AllHandlers, services } from "../../protocol/services.ts";
import { commandBinding } from "../../protocol/wire/binding.ts";
import { createServer, type Implementation, implement, type Server } from "../../protocol/wire/server.ts";
import type { Service } from "../../protocol/wire/service.ts";
import { outboxHintSubject } from "../../protocol/wire/subjects.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import { hypervisorAliases } from "../drivers/aliases.ts";
import type { KnownDrivers } from "../drivers/kinds.ts";
import type { EventPublisher } from "../events/publisher.ts";
import { askHost } from "./ask-host.ts";
import { audienceOf } from "./audience.ts";
import { decodeHint, tellingAll } from "./commit-hint.ts";
import { Debug } from "./debug.ts";
import { hostAgents, networkingNews } from "./host-agents.ts";
import { imageOffersOf, servingOf } from "./image-servers.ts";
import { imagesOf } from "./images.ts";
import { RollCall } from "./roll-call.ts";
import { schedulerOf } from "./scheduler.ts";
import { tellOfSupervision } from "./supervision.ts";

export interface ControllerPorts {
  readonly cell: string;
  /** Of the controller, among those of the cell. */
  readonly name: string;
  readonly store: Store;
  /** The store's one writer of commits, for people who debug; absent: it has none. */
  readonly writer?: () => WriterPicture;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly scheduler: SchedulerOptions;
  /** Start of the round robin among equal hosts: another number in every controller. */
  readonly firstTurn: number;
  readonly imageFiles: ImageFiles;
  /** Where it takes and gives the bytes of images. Absent: it does neither. */
  readonly imageDoor?: ImageDoor;
  /** The port to the hosts' power controllers (BMCs). */
  readonly power: PowerFence;
  /** Room on the file systems of the controller and of its database; absent: it is not known. */
  readonly space?: DiskSpace;
  readonly openSafety: OpenSafety;
  /** The hypervisors that plug-ins bring; absent: none. */
  readonly hypervisors?: KnownDrivers["hypervisors"];
  /** What plug-ins add to the API; absent: nothing. */
  readonly extensions?: readonly NamedExtensions[];
  /** All clients' projects. Absent: not all are known, and one that floods cannot be left unheard. */
  readonly projects?: readonly string[];
  /** As HostPorts has them. */
  readonly hostPortsReserved?: ReadonlySet<number>;
  /** Starts the publisher of committed events. Absent: this controller publishes none. */
  readonly openPublisher?: (system: ActorSystem) => Pick<EventPublisher, "wake" | "look">;
  /** Brings events to sinks. Absent: this controller brings none. */
  readonly openSinks?: (system: ActorSystem) => { stop(): Promise<void> };
  /** What is wrong with the cluster's sinks. Absent: nothing is known. */
  readonly ailingSinks?: () => readonly AilingSink[];
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
  /** What this process is and runs. Absent: it does not tell, as in specs. */
  readonly release?: { readonly name: string; readonly release: Release };
  /** An actor that every command or every instance needs was given up: the process must begin anew. */
  readonly onFailed?: () => void;
}

export interface Controller {
  readonly system: ActorSystem;
  /** Tells that no host could be heard for a while, so that the silence of hosts proves nothing. */
  cutOff(): void;
  /** Answers the requests that it has taken, then stops its actors. The ports stay open. */
  stop(): Promise<void>;
}

export async function assembleController(ports: ControllerPorts): Promise<Controller> {
  const { store, bus } = ports;
  const parts = actorsOf(ports);
  const { system, directory, commits, waits, registry, hostAgent: agent } = parts;
  await Promise.all([directory.open(), parts.space.start()]);
  const recover = (id: string) => void registry.tell(id, { kind: "recover" });
  const needed: readonly Pick<ActorRef<never>, "onEnd">[] = [
    parts.scheduler,
    system.spawn(reconcilerDefinition({ store, nudge: (id) => registry.nudge(id) })),
    system.spawn(recovererDefinition({ store, braked: () => parts.leases.brake.on, recover })),
    system.spawn(wakerDefinition({ store, wake: (id) => void parts.hosts.tell(id, { kind: "look" }) })),
    system.spawn(sweeperDefinition({ store, directory, agent })),
    system.spawn(imageSweeperDefinition({ store, files: ports.imageFiles })),
    ...(parts.images === undefined
      ? []
      : [parts.images.sweeper, parts.images.maker].map((one) => system.spawn(one))),
    system.spawn(parts.volumeWork),
  ];
  for (const actor of needed)
    actor.onEnd(({ how }) => {
      if (how === "failed") ports.onFailed?.();
    });
  system.onSupervision((event) => void tellOfSupervision(event, { ...ports, commit: commits.commit }));
  const hints = bus.serve(outboxHintSubject(ports.cell), undefined, async (_subject, { body }) => {
    const hint = decodeHint(body);
    if (hint !== undefined) waits.hint(hint);
    parts.networkingNews.touched(hint?.touched ?? []);
    return undefined;
  });
  const questions = parts.debug.serve();
  const safety = await ports.openSafety(audienceOf(ports, { ...parts, images: imageOffersOf(ports, parts) }));
  const server = serverOf(ports, parts);
  meterController(ports, parts.space, server);
  return {
    system,
    cutOff: () => {
      directory.cutOff();
      parts.placer.cutOff();
    },
    stop: async () => {
      await Promise.all([
        server.drain(),
        hints.drain(),
        questions.drain(),
        parts.rollCall.drain(),
        parts.images?.stop(),
        safety.stop(),
        parts.sinks?.stop(),
      ]);
      registry.close();
      parts.hosts.close();
      parts.networkingNews.close();
      directory.close();
      await system.stop();
    },
  };
}

type Parts = ReturnType<typeof actorsOf>;

/** The actors, and the objects between them and the ports. */
function actorsOf(ports: ControllerPorts) {
  const { store, clock, ids, log } = ports;
  const system = createActorSystem({ clock, log, meter: ports.meter });
  // The first actor, and so the last to be stopped: it publishes what the others still commit.
  const publisher = ports.openPublisher?.(system);
  const sinks = ports.openSinks?.(system);
  const directory = new HostDirectory({
    ...{ system, store, clock, log, onFailed: ports.onFailed },
    onRead: (hosts, readAtMs) => placer.read(withFacts(hosts), readAtMs),
    onRound: (read) => failing.hostsRead(read),
  });
  const hostAgent = hostAgents(ports);
  const news = networkingNews(ports, hostAgent);
  const tell = tellingAll(ports, ({ lastSequence, touched = [] }) => {
    publisher?.wake(lastSequence);
    news.touched(touched);
  });
  const waits = new Waits(store, clock);
  const commits = new Commits(store, tell, waits, ports.meter);
  const { commit } = commits;
  const failing = breaker(system, { commit, clock, log, onDisabled: () => placer.hostsChanged() });
  const leases = new LeasePicture(clock);
  const { faults, withFacts, scheduler, propose } = schedulerOf(ports, system);
  const placer = new Placer({ scheduler, directory, store, clock });
  const registry = new InstanceRegistry(system, {
    store,
    commit,
    clock,
    ids,
    log,
    hostFacts: (hostId) => directory.facts(hostId),
    seenTogether: () => directory.storagesTogether(),
    fencesOf: (hostIds) => directory.fencesOf(hostIds),
    hostFull: (hostId) => placer.full(hostId),
    askHost: (hostId, asked, requestId) => askHost(hostAgent(hostId), asked, requestId),
    place: (instance) => placer.place(instance),
    roomOn: (hostId) => placer.roomOn(hostId),
  });
  const space = new SpaceWatch({ space: ports.space, system, log });
  const { self, rollCall } = rollCallOf(ports);
  const networking = networkingOf({ ...ports, commit });
  const images = imagesOf(ports, commit, hostAgent);
  const volumeWork = volumeSweeperDefinition({ store, directory, commit, agent: hostAgent });
  const creator = new Creator({
    ...{ store, commit, placer, clock, ids, space, networking },
    born: (created) => registry.adopt(created),
  });
  const imagePeers = new ImagePeers({
    clock,
    ask: (hostId, asked, timeoutMs) => hostAgent(hostId).imageOffer(asked, { timeoutMs }),
  });
  const steering = hostsOf(ports, {
    ...{ system, commit, directory, leases, placer, registry, imagePeers },
  });
  const strange = new StrangeReports({ clock, log });
  const debug = new Debug({
    ...ports,
    half: "actors",
    ...{ system, residents: [registry, steering.hosts], publisher },
    lastSequence: () => store.events.lastSequence(),
  });
  return {
    ...{ debug, system, strange, directory, leases, commits, waits, tell, scheduler, placer },
    ...{ hostAgent, networkingNews: news },
    registry,
    ...{ networking, images, imagePeers, volumeWork },
    creator,
    ...steering,
    ...{ propose, faults, space, rollCall, self, sinks },
  };
}

function rollCallOf({ bus, clock, ids, cell, release, imageDoor }: ControllerPorts) {
  const self = { kind: "controller", id: ids.next(), name: "controller", ...release } as const;
  const present = { ...self, ...(imageDoor && { imageDoor: servingOf(imageDoor) }) };
  return { self, rollCall: new RollCall({ bus, clock, ids, cell, self: present }) };
}

type Around = Pick<Commits, "commit"> & {
  readonly system: ActorSystem;
  readonly directory: HostDirectory;
  readonly leases: LeasePicture;
  readonly placer: Placer;
  readonly registry: InstanceRegistry;
  readonly imagePeers: ImagePeers;
};

/** The actors of hosts, and what they and the service of hosts look at. */
function hostsOf({ store, clock, ids, log, power }: ControllerPorts, around: Around) {
  const { system, commit, directory, leases, placer, registry, imagePeers } = around;
  const surveys = new Surveys({ store, directory, placer });
  const seen = (hostId: string) => ({
    alive: directory.alive(hostId),
    silentMs: leases.silentMs(hostId),
    spaces: directory.spaces(hostId),
    volumeStorages: directory.volumeStorages(hostId),
    imagePeer: imagePeers.of(hostId),
  });
  const hosts = hostActors(system, {
    ...{ store, commit, clock, ids, log, surveys, seen, power },
    move: (id, hostId, to) => void registry.tell(id, { kind: "move", hostId, to }),
    hostsChanged: () => {
      directory.refreshSoon();
      placer.hostsChanged();
    },
  });
  const obstacleOf = (hostId: string, id: string) => surveys.obstaclesOf(hostId).get(id);
  return { surveys, seen, hosts, obstacleOf };
}

/** The controller's server for the commands of clients. */
function serverOf(ports: ControllerPorts, parts: Parts): Server {
  const { store, bus, clock, ids, log, cell, meter = nullMeter, extensions = [] } = ports;
  const { commit } = parts.commits;
  const catalog = { ...ports, commit, hurryVolumes: () => parts.volumeWork.next(0) };
  const read = { store, clock, waits: parts.waits };
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  const auditHost: DoctorOptions["auditHost"] = (hostId, onLeftOut) =>
    parts.hostAgent(hostId).audit({}, { timeoutMs, onLeftOut });
  const asked = {
    auditHost,
    storageAgent: parts.hostAgent,
    imageFiles: ports.imageFiles,
    imageDoor: ports.imageDoor,
  };
  const handlers: AllHandlers = {
    instance: instanceHandlers({ ...catalog, ...parts, makeImage: makeImageOf(catalog, parts) }),
    operation: operationHandlers(read),
    event: eventHandlers(read),
    host: hostHandlers({ ...catalog, ...parts, power: ports.power }),
    ...resourcesHandlers({
      ...{ ...catalog, ...parts, explainPassage: explainHandler({ ...parts, store }) },
      ...portLooks({ ...parts, store, clock }),
      ...{ files: ports.imageFiles, holders: parts.images?.holders },
      hypervisorAliases: hypervisorAliases(ports.hypervisors),
      log,
    }),
    availabilityZone: zoneHandlers({ ...parts, store }),
    quota: quotaHandlers({ ...catalog, extensions: limitedExtensions(extensions) }),
    controller: parts.debug.handlers,
    doctor: {
      examine: async () =>
        diagnosis(
          await examine({
            ...{ ...asked, strange: () => parts.strange.lately(), store, clock },
            excessive: () => parts.leases.excessive,
            brake: () => parts.leases.brake,
            spaces: () => parts.space.spaces,
            faults: () => parts.faults.lately(),
            networksOfHost: parts.networkingNews.wanted,
            self: parts.self,
            sinks: () => ports.ailingSinks?.() ?? [],
            callControllers: () => parts.rollCall.call(),
          }),
        ),
      releases: async () => ({
        running: await releases({
          store,
          alive: (hostId) => parts.directory.alive(hostId),
          askHost: (hostId) => parts.hostAgent(hostId).release({}, { timeoutMs }),
          callControllers: () => parts.rollCall.call(),
        }),
      }),
    },
  };
  return createServer({
    bus,
    clock,
    ids,
    log,
    binding: commandBinding(cell),
    services: [
      ...implementAll(handlers),
      ...extensionServices(extensions, {
        ...{ ...catalog, log },
        instance: { service: services.instance, handlers: handlers.instance },
        host: { service: services.host, handlers: handlers.host },
      }),
    ],
    ...(ports.projects === undefined ? {} : { projects: ports.projects }),
    ...(meter.on ? { meter: meterCalls(meter, "command") } : {}),
  });
}

/** How an image of an instance is begun. */
const makeImageOf =
  (
    catalog: ControllerPorts & Pick<Commits, "commit">,
    { images }: Parts,
  ): InstanceServiceOptions["makeImage"] =>
  (request, context) =>
    beginImage(request, context, {
      ...catalog,
      desk: images?.desk,
      hurry: () => images?.maker.next(0),
    });

function implementAll(handlers: AllHandlers): readonly Implementation[] {
  const all: readonly (readonly [string, Service])[] = Object.entries<Service>(services);
  return all.map(([name, service]) => implement(service, handlers[name as keyof AllHandlers]));
}

function meterController({ meter = nullMeter }: ControllerPorts, space: SpaceWatch, server: Server): void {
  meterSpaces(meter, () => space.spaces);
  meter.look("novact_calls_under_way", () => [[{ door: "command" }, server.inWork]]);
}

function diagnosis({ findings, compared, observations }: Diagnosis) {
  return { findings: [...findings], compared: { ...compared }, observations: [...observations] };
}
