/**
 * Changes that somebody has decided on although a peer of an older version refuses them: the path, and why it
 * does no harm. Data only.
 */
const impossible =
  "Bounds that no honest host meets (decision 0027): its numbers are far below, its texts shorter.";

const observation = [
  ...["ownerEpoch", "generation", "intentGeneration", "resetCount"],
  ...["message", "address", "startedAtMs", "atMs"],
].map((field) => `.${field}`);
const inventory = [
  ...["name", "bootId", "hypervisor", "accelerator", "acceleratorReason", "hypervisorVersion"],
  ...["vcpus", "memoryMib", "diskGib", "features[]", "machineTypes[]"],
  ...["numa[].vcpus", "numa[].memoryMib", "numa[].hugePages[].sizeKib", "numa[].hugePages[].total"],
].map((field) => `.${field}`);
/** The operator's labels, which are held to the same bounds since decision 0048. */
const labels = ["report.register.request.inventory.labels"];
const listed = ["", ...observation.map((field) => `[]${field}`)];

/** Names of images and server groups are texts since decision 0029; every label is one. */
const texts =
  "A text for people. Every label of the previous version is one; a client of that version refuses an answer with " +
  "a name that is no label, so such names are for when all clients are upgraded (CHANGELOG).";
const shown = [
  ...["image.register.request.name", "server-group.create.request.name"],
  ...["register", "get", "delete"].map((method) => `image.${method}.answer.image.name`),
  ...["create", "get", "delete"].map((method) => `server-group.${method}.answer.serverGroup.name`),
  ...["image.list.answer.images[].name", "server-group.list.answer.serverGroups[].name"],
];

const paths: readonly (readonly [string, readonly string[]])[] = [
  ["host-agent.ensure.request.observedGeneration", [""]],
  ["host-agent.ensure.answer.observation", observation],
  ["host-agent.audit.answer.machines", listed],
  ["host-agent.audit.answer.processes", ["", "[].instanceId", "[].status"]],
  ["host-agent.audit.answer.directories", ["", "[].instanceId"]],
  ["host-agent.audit.answer.strays", ["", "[]"]],
  ["report.register.request.inventory", inventory],
  ["report.register.request.machines", listed],
  ["report.heartbeat.request.machines", listed],
];

/** Names of drivers that plug-ins bring, since decision 0041. */
const control =
  "A name. Both names of the previous version are names; a client of that version refuses an answer with a proof by " +
  "a plug-in's power driver, so such drivers are for when all clients are upgraded (CHANGELOG).";
const proofs = [
  ...["list.answer.hosts[]", "get.answer.host", "enable.answer.host", "disable.answer.host"],
  ...["drain.answer.host", "fence.answer.host", "remove.answer.host"],
].map((path) => `host.${path}.lease.fencedBy.control`);

/** Projects remove images of their own, since decision 0080. */
const owners =
  "A client of the previous version asks in the project admin, as operators may ask whatever projects may.";

export const decided: Readonly<Record<string, string>> = Object.fromEntries([
  ...paths.flatMap(([path, fields]) => fields.map((field) => [`${path}${field}`, impossible] as const)),
  ...labels.map((path) => [`${path}{}`, impossible] as const),
  ...shown.map((path) => [path, texts] as const),
  ...proofs.map((path) => [path, control] as const),
  ["image.delete", owners] as const,
]);
