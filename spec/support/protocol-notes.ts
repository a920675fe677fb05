/**
 * What the fields of the protocol mean, where name and type do not say it. Keys are checked to exist.
 */
const wait =
  "Answer only when the operation has ended, or shortly before the deadline (then it is still `running`).";
const limit = "Most entries of the page.";
const marker = "Only entries after this id: the `nextMarker` of the previous page.";
const nextMarker = "Send this as `marker` for the next page; absent on the last page.";
const order = "`oldest` (default) or `newest` first; markers work in both.";
/** Of a list whose filters may end a page before it is full. */
const anyPage =
  "Send this as `marker` for the next page; absent on the last page. A page may be empty and have one.";
const waited = "How long to wait when there is nothing yet (a long poll). Set `Novact-Timeout-Ms` higher.";

const commands = ["start", "stop", "reboot", "pause", "unpause", "delete", "evacuate"];

export const notes: Readonly<Record<string, string>> = {
  "instance.create.name": "Need not be unique.",
  "instance.create.flavor": "Id or name.",
  "instance.create.image": "Id or name.",
  "instance.create.keyName":
    "Id or name of one of your key pairs. The guest keeps the key when the pair goes.",
  "instance.create.userData":
    "Any bytes, in base64, for the guest alone: a script, cloud-config, … They may be secret, and are shown to nobody.",
  "instance.create.hostname":
    "The guest's name for itself; absent: made of `name`. `count` adds its suffixes.",
  "instance.create.configDrive":
    "Whether the guest is told by a drive of its own; absent: with a key or user data.",
  "instance.create.networks":
    "Its interfaces, in the guest's order, each on a `network` (a new port, with this `address` if it is given) or in a " +
    "`port` that is there. Absent: one that reaches nobody; empty or `none`: none; `auto`: the project's only network.",
  "Instance.interfaces":
    "In the guest's order. Null: one that reaches nobody; empty also when it is deleted and no host has anything of it.",
  "MachineSpec.interfaces":
    "In the guest's order. Absent: one with `macAddress` that reaches nobody; empty: none.",
  "Instance.hostname": "The guest's name for itself; null: made of its name by its host.",
  "Instance.keyName": "The key pair that it was made with, which may be gone by now; null: none.",
  "Instance.configDrive": "True: its guest is told about itself by a drive.",
  "Instance.userDataBytes": "How many bytes of user data its guest is told.",
  "MachineSpec.forcedVolumes":
    "Volumes that its guest is not asked for when they go. Absent: it is asked for each.",
  "MachineSpec.volumes": "What it has beside its root disk. Absent: it is told of no volumes.",
  "Observation.volumes":
    "What its process has of volumes: no other is open. Absent: not known now, or it is told of none.",
  "MachineSpec.guest":
    "What the guest is told about itself. Absent: nothing but its name, or the instance is being removed.",
  "instance.create.count":
    "More than one at once, all or none; names get a suffix -1, -2, …, the longest of which must fit.",
  "instance.create.atLeast":
    "With `count`: make as many as hosts and quota have room for, but at least this many.",
  "instance.create.availabilityZone": "Only hosts of this zone.",
  "instance.create.serverGroup": "Id or name of one of the project's groups.",
  "instance.create.hints":
    "Ids of the project's instances. `sameHost`: only hosts that one of these is on; `differentHost`: that none is on.",
  "instance.create.host": "Id or name; only in the project `admin`.",
  "instance.create.recovery":
    "What happens when the guest goes down without being asked to; absent: `restart` with priority 0.",
  "instance.create.wait": wait,
  "instance.create.answer.all":
    "When `count` was given: the new instances, up to `createListedMax`; the first is `instance` and `operation`.",
  "instance.create.answer.more": "The new instances beyond `all`; `wait` waits for them as well.",
  "instance.explainCreate.answer.hosts": "What each host says to the first of the instances.",
  "instance.explainCreate.answer.placed":
    "The hosts on which `create` would make instances now, and how many on each; empty when it would be refused.",
  "instance.explainCreate.answer.rest":
    "Why `create` would make fewer instances than `count`; absent: it would make all of them, or none.",
  "instance.explainCreate.answer.refusal":
    "With what `create` would be refused for want of hosts, by group or quota; all else is refused as by `create`.",
  ...Object.fromEntries(commands.map((command) => [`instance.${command}.wait`, wait])),
  "instance.stop.mode":
    "`graceful` (default) presses the power button and halts after `timeoutMs`; `hard` halts at once.",
  "instance.stop.timeoutMs": "How long the guest may take to shut down by itself; absent: 60000.",
  "instance.reboot.mode": "`soft` (default) asks the guest and falls back to `hard`; `hard` resets it.",
  "instance.volumeAttach.place": "From 0; absent: the lowest place that is free.",
  "instance.volumeExtend.sizeGib": "No less than it has.",
  "instance.interfaceDetach.port": "Id or name of the port, or one of its addresses.",
  "instance.list.limit": limit,
  "instance.list.marker": marker,
  "instance.list.order": order,
  "instance.list.name": "As `names` with one value; so are `state` and `hostId` of `states` and `hosts`.",
  "instance.list.namePattern":
    "Of the whole name: `*` any text, `?` any one character, `\\` takes away the next character's meaning.",
  "instance.list.hosts": "Ids or names; only in the project `admin`.",
  "instance.list.flavors": "Ids or names, as the instances show them.",
  "instance.list.images": "Ids or names, as the instances show them.",
  "instance.list.serverGroups": "Ids or names. Shows the members of a group with their names and hosts.",
  "instance.list.metadata": "Only instances with all of these pairs.",
  "instance.list.createdAfterMs": "Made at this time or later.",
  "instance.list.createdBeforeMs": "Made before this time.",
  "instance.list.changedSinceMs":
    "`updatedAtMs` is this time or later; with `deleted` also what was deleted since.",
  "instance.list.locked": "True: only locked ones; false: only others.",
  "instance.set.name": "Need not be unique.",
  "instance.set.description": "null takes it away.",
  "instance.set.metadata": "Pairs to set; null removes a pair, others stay.",
  "instance.lock.reason": "Shown to whoever is refused; absent: as it was.",
  "Instance.description": "What its project wrote about it; null: nothing.",
  "Instance.locked": "True: its project cannot change it until it is unlocked.",
  "Instance.lockedBy": "`project`, or `operators`, whose lock only they lift; null: it is not locked.",
  "instance.list.deleted": "True: list deleted instances as well, as long as they are remembered.",
  "instance.list.answer.nextMarker": anyPage,
  "instance.console.offset": "Byte position to read from; absent: the beginning of what is kept.",
  "instance.console.tailLines": "Only the last lines. Not together with `offset`.",
  "instance.console.waitMs": waited,
  "instance.console.answer.offset":
    "Position of the text's first byte; greater than the one asked for when the log was trimmed there.",
  "instance.console.answer.nextOffset": "The position to ask for next.",
  "instance.console.answer.more": "True: more text is there already; ask on without waiting.",
  "instance.explain.answer.waitingFor":
    "One sentence for each thing that the instance waits for; empty: none.",
  "instance.explain.answer.earlier":
    "What happened to it before, oldest first, and need not be so any more; `atMs` null: not known when.",
  "operation.get.waitMs":
    "Answer only when the operation has ended, or after this time. Set `Novact-Timeout-Ms` higher.",
  "operation.list.limit": limit,
  "operation.list.noun": "Only operations of this noun: `instance` or `host`.",
  "operation.list.entityId": "Only operations of the entity with this id.",
  "operation.list.marker": marker,
  "operation.list.order": order,
  "operation.list.instanceId": "As `instanceIds` with one value; so is `state` of `states`.",
  "operation.list.sinceMs": "Begun at this time or later.",
  "operation.list.answer.nextMarker": anyPage,
  "Operation.instanceName":
    "The instance's name by now, in the answers of `operation`. Absent: the instance is beside it, or forgotten.",
  "event.list.order":
    "`oldest` (default) or `newest` first. `newest` goes back page by page with `before`, and not with `waitMs`.",
  "event.list.after":
    "Only events after this number; 0, or absent with `newest` or `sinceMs`: all. Else absent: none, only the last number.",
  "event.list.before": "Only events before this number; only with `newest`.",
  "event.list.noun": "As `nouns` with one value.",
  "event.list.events": "Names of events, without their noun.",
  "event.list.sinceMs": "Of this time or later, by the clock of the controller that wrote it.",
  "event.list.limit": limit,
  "event.list.waitMs": waited,
  "event.list.answer.last":
    "Send this as `after` next: no event up to it was left out. With `newest`: the newest number.",
  "event.list.answer.nextBefore":
    "With `newest`: send this as `before` for older events; absent when none is kept.",
  "event.list.answer.trimmed":
    "Events up to this number are no longer kept: when it is greater than your `after`, you missed some.",
  "flavor.list.limit": limit,
  "flavor.list.marker": marker,
  "flavor.list.answer.nextMarker": nextMarker,
  "flavor.create.diskGib": "Size of the root disk; 0: the size of the image's disk.",
  "flavor.create.extraSpecs": "Requirements, each read by the scheduler filter that knows its key.",
  "aggregate.list.limit": limit,
  "aggregate.list.marker": marker,
  "aggregate.list.answer.nextMarker": nextMarker,
  "aggregate.set.availabilityZone": "null removes the zone; absent leaves it.",
  "aggregate.set.metadata": "Pairs to set; null removes a pair, others stay.",
  "aggregate.addHost.host": "Id or name.",
  "aggregate.removeHost.host": "Id or name.",
  "server-group.create.maxPerHost": "Only with `anti-affinity`; one when absent.",
  "server-group.list.limit": limit,
  "server-group.list.marker": marker,
  "server-group.list.answer.nextMarker": nextMarker,
  "image.list.limit": limit,
  "image.list.marker": marker,
  "image.list.answer.nextMarker": nextMarker,
  "image.register.disk": "Needed unless there is a kernel. The path is on the controller's computer.",
  "image.register.commandLine": "The kernel's command line.",
  "host.list.limit": limit,
  "host.list.marker": marker,
  "host.list.answer.nextMarker": nextMarker,
  "host.get.answer.drain": "Present while the host is being drained.",
  "host.drain.reason": "Shown to whoever asks why the host is disabled.",
  "host.drain.parallelism": "How many instances leave at once; absent: 4.",
  "host.drain.answer.drain": "The progress at the beginning; with `wait` absent when the drain is over.",
  "host.drain.answer.operation": "The drain. Absent: an older controller has answered.",
  "host.drain.wait": wait,
  "host.fence.answer.operation": "The fence. Absent: an older controller has answered.",
  "host.fence.wait":
    "false: answer at once, also while the power controller is being asked. Absent: answer when the host is fenced.",
  "host.fence.confirm": "The host's name, typed again.",
  "host.fence.reason": "How you know that the host is off: your signed word. Needed unless `power` is set.",
  "host.fence.power":
    "Let the power controller (BMC) switch the host off, and take its word for the proof. Set `Novact-Timeout-Ms` to 75000.",
  "host.fence.claimedBy": "Your name, for later readers; nobody checks it.",
  "host.fence.force": "Fence the host although it was heard from a moment ago.",
  "host.rebalance.moves": "Most moves to propose; absent: 10.",
  "doctor.examine.answer.findings": "Empty on a healthy cluster.",
  "doctor.examine.answer.compared": "How many things of each kind were compared.",
  "controller.debug.answer.answeredBy": "The controller that asked the others.",
  "controller.debug.answer.halves": "Those that answered within a second, by name.",
  "controller.debug.answer.silent":
    "Halves that answered this controller in the last hour, and did not now: `controller-2 actors`.",
  "ControllerHalf.half": "`actors` serve commands; `safety` hears the hosts and counts their leases.",
  "ControllerHalf.actors":
    "Those that are no loops; of those that are loaded on demand, the ones with messages or restarts.",
  "ControllerHalf.actorsLeftOut": "Such actors that are not listed, because there are too many.",
  "ControllerHalf.residents": "What is loaded on demand, by kind.",
  "ControllerHalf.commits": "Its writer of commits: the queue, and the batch under way.",
  "ControllerHalf.publisher":
    "`committedUpTo` less `publishedUpTo` is by how many events the stream is behind; null: not known.",
  "LoopState.pauseMs": "Time from the end of a round to the next.",
  "LoopState.roundMsMax": "A round that takes longer is given up.",
  "LoopState.rounds": "Rounds that have ended or were given up.",
  "LoopState.endedAgoMs": "Time since the last round ended; null: none has.",
  "LoopState.failed": "Whether the last round failed, threw or was given up.",
  "LoopState.did": "What the last round did, in a few words.",
  "LoopState.underWayMs": "For how long a round has been under way; null: none is.",
  "LoopState.hanging": "Rounds that were given up and have still not ended.",
  "ActorState.path": "Names from the root, joined by `/`.",
  "ActorState.phase": "`resting`: it has crashed, and is made anew after a while.",
  "ActorState.waiting": "Messages in its mailbox.",
  "Instance.state": "The state that a user sees; see *States*.",
  "Instance.desired": "The power state that was asked for last.",
  "Instance.generation": "Raised by every accepted command.",
  "Instance.machine": "The host's last observation; null before the first report.",
  "Instance.operationId": "The operation under way; null when there is none.",
  "Instance.failure": "Why the state is `failed`.",
  "Operation.noun": "`instance` or `host`: what it is an operation of. Absent: `instance`.",
  "Operation.entityId": "Id of that. Absent: `instanceId`.",
  "Operation.instanceId": "The same as `entityId`, by its name from when only instances had operations.",
  "Operation.toHost": "The host to which the instance goes, or went. Absent or null: to none.",
  "Operation.percent": "Share of the steps that are done.",
  "Host.number": "A whole number beside the id. Absent: an older controller has answered.",
  "Operation.number":
    "A whole number beside the id. Absent in the answer to the command itself, and from older controllers.",
  "Operation.requestId": "The request id of the command that started the operation.",
  "Operation.deadlineAtMs":
    "The operation ends by this time, well or with an error; that of a drain is later whenever an instance was asked to leave.",
  "Operation.error": "Why the operation `failed` or was `cancelled`.",
  "Event.sequence": "1, 2, 3, … over the whole cell, without gaps, in the order of the commits.",
  "Event.event": "In the past tense; see *Events*.",
  "Event.requestId": "The request id of the command that caused the event.",
  "Event.body": "Details; fields may be added.",
  "Flavor.diskGib": "0: the image's own size.",
  "Image.commandLine": "The kernel's command line.",
  "Instance.serverGroupId": "The group that the instance is a member of until it is deleted.",
  "Instance.availabilityZone": "The zone that was asked for; null: any.",
  "Aggregate.availabilityZone":
    "The zone of the aggregate's hosts, which are in no other; null: the aggregate sets none.",
  "AvailabilityZone.available": "At least one host of the zone is alive and enabled.",
  "AvailabilityZone.hosts": "Only in the project `admin`.",
  "ServerGroup.policy":
    "`affinity`: all members on one host. `anti-affinity`: each on another. Both hold at every commit; `soft-` only prefers.",
  "ServerGroup.maxPerHost": "With `anti-affinity`: most members on one host; null: one.",
  "ServerGroup.members": "Ids of the members that are not deleted, in order; the first 1000.",
  "Quota.limits": "The limits as they were set.",
  "Quota.effective": "The limits that hold: those that were set, else the defaults. -1: no limit.",
  "Quota.used": "Usage by all instances that are not deleted, stopped and failed ones included.",
  "QuotaLimits.instances": "null: the default; -1: no limit.",
  "QuotaLimits.vcpus": "null: the default; -1: no limit.",
  "QuotaLimits.memoryMib": "null: the default; -1: no limit.",
  "Instance.recovery": "What becomes of it when it goes down without being asked.",
  "Host.lease":
    "Its right to run guests that others may take over; null: none, and nothing of it is taken over.",
  "Host.draining":
    "What is on it goes elsewhere since then; `operationId` tells how that ends. null: it is not drained.",
  "Drain.moving": "Asked to leave, and still holding something of the host, or waiting for another one.",
  "Drain.moved": "Were on it when the draining began, and are elsewhere now, or stopped and on no host.",
  "Drain.deleted":
    "Instances that were on the host when draining began, and were deleted since. Absent: unknown; they count as moved.",
  "Drain.left": "Instances that have not been asked to leave yet.",
  "Drain.cannot": "Instances that stay as long as nothing changes; the first 100.",
  "Drain.staying": "Number of all instances that stay.",
  "Rebalance.spreadBefore": "Standard deviation of the hosts' loads, 0 to 1.",
  "Rebalance.moves": "The moves, in the order in which to make them.",
  "Rebalance.unmovable": "Numbers of instances that may not be moved, by the reason.",
  "Host.availabilityZone": "The zone that the host's aggregates set; null: none.",
  "Host.labels": "`nodes[].labels` of the configuration.",
  "Host.features": "Feature flags of the CPUs.",
  "Host.machineTypes": "Machine types that the hypervisor offers.",
  "Host.storageId": "Hosts with the same `storageId` can open each other's disks.",
  "Host.failedBuilds":
    "Consecutive builds failed by its own fault; at 10, of two projects and images, it is disabled (a third of all at most).",
  "Host.ioOps": "Builds under way.",
  "Host.generation": "Raised by every change of the host's inventory.",
  "Host.drivers":
    "The host's drivers by kind, what its hypervisor can do, and by what its guests are bounded. Null or absent: unknown.",
  "doctor.examine.answer.observations":
    "What may well be as it should be, and is worth knowing: one driver in two versions. Absent: none.",
  "Host.accelerator": "`kvm`, `tcg` or `none`.",
  "Host.acceleratorReason": "Why this accelerator.",
  "Host.capacity": "Resources times the overcommit ratios; claims never exceed them.",
  "Host.alive": "The host was heard from within the last 10 s.",
  "HostVerdict.filters": "For each filter that the request concerns: true, or the reason against the host.",
  "HostVerdict.weights": "For each weigher that gives anything: -1 to 1, times its multiplier.",
  "HostVerdict.remedy": "The change that would make the instance fit; absent when it fits.",
  "HostVerdict.facts": "What plug-ins say of the host, by the plug-in; for operators only.",
  "Finding.next": "What to do about it.",
  "Error.next": "What to do about it.",
  "Error.retryAfterMs": "How long to wait before trying again.",
  "Error.details": "Further facts, such as the verdict of each filter on each host.",
  "Error.causes": "The messages of the causes, outermost first.",
  "host-agent.ensure.observedGeneration":
    "Newest generation of this machine seen by a controller: an agent that lost the machine's file counts on from there.",
  "host-agent.removeSharedDisks.answer.removed":
    "The other disks belong to machines of this host, and are removed with these.",
  "report.heartbeat.complete":
    "True: `machines` is everything the host has; false: only what changed and is not known to be stored.",
  "report.heartbeat.answer.known": "False: the host has to register again.",
  "report.heartbeat.answer.stored":
    "Ids of the instances whose observations are durable now; send the others again.",
  "report.heartbeat.leaseEpoch":
    "Of the host lease under which this was said: what is remembered of an earlier one is old. 0: none.",
  "report.heartbeat.space":
    "The file systems that the host writes to; on a `full` one it makes no new guest. Absent: they are not known.",
  "host-agent.audit.answer.holdings":
    "What else the host's drivers keep for guests. Absent: an agent that keeps processes and directories alone.",
  "host-agent.audit.answer.imageCache":
    "How its copies of images stand. Absent: the host has none of its own, or its agent does not say.",
  "host-agent.audit.answer.keepsDisks":
    "False: the disks end with the agent, and none of them is missed. Absent: they stay.",
  "host-agent.audit.answer.space": "The file systems that the host writes to. Absent: they are not known.",
  "network.explain.from":
    "Who begins: an instance's id, or a name that only one has. So is `to`, who is called.",
  "network.explain.protocol": "Absent: `tcp` with a port; without one `icmp`, a ping.",
  "network.explain.answer.passes":
    "True: every step lets it pass. Null: none stops it, and one cannot be known now.",
  "network.explain.answer.ways": "Pairs of addresses between both; told is one that passes, or the nearest.",
  "PassageStep.passes": "Whether it lets the packet pass; null: this cannot be known now.",
  "PassageStep.ruleId": "The rule that lets it pass.",
  "host-agent.audit.answer.volumeStorages":
    "The storages of its volumes that have answered. Absent: none has, or the agent is of before.",
  "report.heartbeat.volumeStorages":
    "The storages of its volumes that have answered. Absent: none has, or the agent is of before.",
  "host-agent.audit.answer.networking":
    "What the host has applied of the networks of its guests. Absent: it has no network, or its agent does not say.",
  "host-agent.audit.answer.plugins":
    "The plug-ins that the agent has loaded, in the order of its `cluster.yaml`. Absent: the agent does not say.",
  "host-agent.release.answer.plugins": "As that of `audit`.",
  "report.heartbeat.imagePeer":
    "The images that it gives to others; counts are since its agent began. Absent: it gives none, or the agent is of before.",
  "report.imageTicket.peers":
    "It takes images from other hosts, but from `notFrom`, and waits for its turn where many want one. Absent: it does neither.",
  "report.imageTicket.answer.origins":
    "The best first. `hostId`: whose server it is; absent: a controller's.",
  "host-agent.imageOffer.who": "The host that needs it; the controller has judged that it does.",
  "report.register.knows":
    "What its agent understands of the `needs` of `ensure`; without `binding` its NUMA nodes are not offered.",
  "report.lease.storageId":
    "Every guest that may be taken over holds the host's lease on this shared storage. Null: on none.",
  "report.lease.leaseEpoch": "Of the lease it believes to have; 0 when it knows of none.",
  "report.lease.cleaned":
    "True: no process is left of the guests of that lease that another host may take over.",
  "report.lease.answer.held":
    "Renewed, for 10 s from before the request was sent. False: it was fenced; clean up, then ask again.",
  "HostInventory.storageId":
    "Hosts with the same one can open each other's disks. Null: its disks are its own.",
  "HostInventory.labels": "Words of its configuration.",
  "HostInventory.features": "Flags of its CPUs.",
  "HostInventory.machineTypes": "What its hypervisor can pretend to be; empty: it does not say.",
  "HostInventory.drivers":
    "Its drivers by kind, what its hypervisor can do, and by what guests are bounded. Absent: unknown; it logs consoles.",
  "HostInventory.numa": "Empty: nothing is known of its NUMA nodes, and none is given to guests.",
  "MachineSpec.fence": "Another host may take it over: it runs only under the lease it was claimed under.",
  "MachineSpec.storageId": "The shared storage that its disk is in. Null: its host's own directory.",
  "MachineSpec.takesOverDisk":
    "Its disk is there, left by an older epoch on another host, and never made anew.",
  "MachineSpec.machineType":
    "The image's `hw_machine_type`, of a guest without a shape. Null: its host's choice.",
  "MachineSpec.shape":
    "The hardware that it has had since its first boot. Absent: that of guests before there were shapes.",
  "MachineShape.version": "Which devices there are, and where each of them is.",
  "MachineShape.machineType": "A full name with its version, never an alias.",
  "OfferedShapes.versions": "In rising order; a new guest gets the last one.",
  "OfferedShapes.machineType": "What a new guest gets whose image asks for no other.",
  "OfferedShapes.cpuModel": "What a new guest gets.",
  "OfferedShapes.aliases": "What an image may call a machine type, and its full name.",
  "ImageProperties.extra":
    "In Nova's names: `trait:…` and `hw_machine_type` choose hosts; `hw_architecture`, `img_hv_type` set these fields.",
  "MachineSpec.numa": "What it has of its host's NUMA nodes. Null: nothing of its own.",
  "MachineSpec.ephemeralGib": "A raw disk formatted with ext4, labelled `ephemeral0`. Absent: it has none.",
  "MachineSpec.swapMib": "A raw disk to swap to, labelled `swap0`. Absent: it has none.",
  "host-agent.ensure.leaseEpoch":
    "Of the host's lease that it was claimed under: with `fence` it runs only under this very one. 0: it needs none.",
  "host-agent.ensure.needs":
    "`lease`, `binding`, `machineType`, `shape`: an agent that lacks one of the words answers `unknownNeed`, and starts nothing.",
  "NumaPlacement.dedicated": "Its CPUs are nobody else's.",
  "NumaPlacement.nodes": "Its own NUMA nodes, in this order; `node` is the position in the host's `numa`.",
  "NumaUse.memoryMib": "In ordinary pages.",
  "Host.pinnedCpus": "CPUs that guests have to themselves, a part of the vCPUs claimed.",
  "Host.numaClaimed": "What is claimed of each of `numa`; the last ones may be missing.",
  "MachineSpec.recovery":
    "What its host does when its process has died, or the host was down: `leave` starts nothing.",
  "MachineIntent.keepDisk": "With power `deleted`: the disk on shared storage is another host's by now.",
  "MachineSpec.ownerEpoch": "Raised with every change of owner: an older owner has nothing to say any more.",
  "MachineIntent.generation": "The newest counts, whatever came before it.",
  "MachineIntent.resetCount":
    "Resets asked for in total; the machine resets once when its own count is lower.",
  "MachineIntent.startCount":
    "Starts asked for in total; a new one gives a crashing guest its full number of restarts again.",
  "Observation.ports": "Ids of its ports: the host has nothing of any other. Absent: not known now.",
  "Observation.generation": "Raised by the host's agent only, with every change.",
  "Observation.intentGeneration": "Generation of the intent that was acted on last.",
};
