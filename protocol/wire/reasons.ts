/**
 * The one taxonomy of failures: gRPC's codes, and every stable reason with its code and the caller's next
 * step. Source of the codes: the gRPC status code list. HTTP numbers: the Connect protocol's table.
 */
export const codes = {
  INVALID_ARGUMENT: { http: 400, retry: "never" },
  NOT_FOUND: { http: 404, retry: "never" },
  ALREADY_EXISTS: { http: 409, retry: "never" },
  FAILED_PRECONDITION: { http: 400, retry: "never" },
  ABORTED: { http: 409, retry: "afterRead" },
  RESOURCE_EXHAUSTED: { http: 429, retry: "backOff" },
  UNAVAILABLE: { http: 503, retry: "always" },
  DEADLINE_EXCEEDED: { http: 504, retry: "sameRequestId" },
  UNAUTHENTICATED: { http: 401, retry: "never" },
  PERMISSION_DENIED: { http: 403, retry: "never" },
  UNIMPLEMENTED: { http: 501, retry: "never" },
  INTERNAL: { http: 500, retry: "never" },
} as const;

export type Code = keyof typeof codes;

/**
 * Every stable reason, with its code, its meaning and the caller's next step. Documented in
 * protocol/README.md.
 */
export const reasons = {
  malformedBody: {
    code: "INVALID_ARGUMENT",
    next: "Send one JSON object or one msgpack map, nothing before or after it.",
  },
  malformedText: { code: "INVALID_ARGUMENT", next: "Take the character that is named out of the text." },
  bodyTooLarge: {
    code: "INVALID_ARGUMENT",
    next: "Keep the body below the limit in protocol/limits/wire.ts.",
  },
  bodyTooDeep: { code: "INVALID_ARGUMENT", next: "Send no deeper nesting than the method's schema has." },
  tooManyValues: {
    code: "INVALID_ARGUMENT",
    next: "Send no more keys and elements than the method's schema has room for.",
  },
  answerTooLarge: { code: "INVALID_ARGUMENT", next: "Ask for a smaller page (limit)." },
  schemaMismatch: {
    code: "INVALID_ARGUMENT",
    next: "Correct the named field: protocol/README.md has what each method takes.",
  },
  unknownField: {
    code: "INVALID_ARGUMENT",
    next: "Correct the field's name or leave it out. If it is newer than this server, ask again: another may know it.",
  },
  malformedSubject: {
    code: "INVALID_ARGUMENT",
    next: "Use novact.v1.<cell>.cmd.<project>.<noun>[.<id>].<method>; ids match [A-Za-z0-9_-]{1,64}.",
  },
  malformedHeader: { code: "INVALID_ARGUMENT", next: "Compare the header with protocol/README.md." },
  invalidUrl: {
    code: "INVALID_ARGUMENT",
    next: "Name the NATS server as nats://HOST:PORT; in a browser its WebSocket listener, as ws:// or wss://.",
  },
  unknownFlavor: { code: "INVALID_ARGUMENT", next: "List what there is: novact flavor list." },
  flavorTooSmall: {
    code: "INVALID_ARGUMENT",
    next: "Choose a flavor that has as much: novact flavor list.",
  },
  unknownImage: { code: "INVALID_ARGUMENT", next: "List what there is: novact image list." },
  unusableImage: {
    code: "INVALID_ARGUMENT",
    next: "Register an ordinary file, without backing or data file, from one of imageDirectories or from .novact/import.",
  },
  imageNotActive: {
    code: "FAILED_PRECONDITION",
    next: "Wait until it is active, or ask its owner to reactivate it: novact image show.",
  },
  imageNotQueued: {
    code: "FAILED_PRECONDITION",
    next: "Make another image for other bytes: novact image create.",
  },
  imageProtected: {
    code: "FAILED_PRECONDITION",
    next: "Take the protection away first: novact image update --unprotect.",
  },
  imageNotShared: {
    code: "FAILED_PRECONDITION",
    next: "Look whom it is shared with, and make it shared: novact image show, novact image share.",
  },
  imageMembersFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Take projects that do not need it away, or let everybody use it: novact image unshare.",
  },
  unknownKeyPair: { code: "INVALID_ARGUMENT", next: "List what there is: novact key-pair list." },
  checksumMismatch: { code: "INVALID_ARGUMENT", next: "Check the file and the checksum that was named." },
  uploadOffset: {
    code: "ABORTED",
    next: "Go on with the bytes from details.nextOffset: what lies before it is there.",
  },
  uploadSealed: {
    code: "FAILED_PRECONDITION",
    next: "Nothing: the upload was taken as a whole. Other bytes are another image.",
  },
  uploadTooLarge: {
    code: "INVALID_ARGUMENT",
    next: "Say how large the whole file is, and send it again: novact image create --file.",
  },
  uploadInterrupted: {
    code: "UNAVAILABLE",
    next: "Ask for it to be completed once more: what was sent is there.",
  },
  imageElsewhere: {
    code: "UNAVAILABLE",
    next: "Try again: it goes on when the controller that has the bytes is there again.",
  },
  noImageBytes: {
    code: "UNIMPLEMENTED",
    next: "Register a file of the controller's computer instead: novact image register.",
  },
  tooManyUploads: {
    code: "RESOURCE_EXHAUSTED",
    next: "Let one of the uploads end, or delete its image; one that stands still ends within an hour.",
  },
  copyLost: {
    code: "UNAVAILABLE",
    next: "Make the image again: the instance is as it was. The message says what ended the copy.",
  },
  notCopyable: {
    code: "FAILED_PRECONDITION",
    next: "Do what the message says first: an image is made of the root disk of an instance on a host.",
  },
  ticketInvalid: {
    code: "UNAUTHENTICATED",
    next: "Ask for a new ticket, and send it as Authorization: Bearer TICKET.",
  },
  ticketMismatch: {
    code: "PERMISSION_DENIED",
    next: "Ask for a ticket for this image and for what is to be done with it.",
  },
  rangeInvalid: { code: "INVALID_ARGUMENT", next: "Name one range of bytes that the file has." },
  tooSlow: { code: "DEADLINE_EXCEEDED", next: "Go on from the next offset; send and read without pauses." },
  unknownMethod: { code: "UNIMPLEMENTED", next: "List the methods: nats micro info, or protocol/README.md." },
  noConsole: {
    code: "UNIMPLEMENTED",
    next: "Create the instance on a host with consoles: a flavor with capabilities:has_console true.",
  },
  unknownNeed: {
    code: "UNIMPLEMENTED",
    next: "Upgrade the host's agent, or place the instance elsewhere: novact host disable.",
  },
  instanceNotFound: { code: "NOT_FOUND", next: "Name it by its id: novact instance list has the ids." },
  hostNotFound: { code: "NOT_FOUND", next: "List what there is: novact host list." },
  flavorNotFound: { code: "NOT_FOUND", next: "List what there is: novact flavor list." },
  imageNotFound: { code: "NOT_FOUND", next: "List what there is: novact image list." },
  aggregateNotFound: { code: "NOT_FOUND", next: "List what there is: novact aggregate list." },
  projectNotFound: { code: "NOT_FOUND", next: "Correct the name, or add it to projects in cluster.yaml." },
  serverGroupNotFound: { code: "NOT_FOUND", next: "List what there is: novact group list." },
  notFound: {
    code: "NOT_FOUND",
    next: "List what there is, with the method list or the command of that name.",
  },
  ambiguous: {
    code: "INVALID_ARGUMENT",
    next: "Say by its id which one is meant: the message has the ids.",
  },
  unknownAvailabilityZone: {
    code: "INVALID_ARGUMENT",
    next: "List what there is: novact availability-zone list.",
  },
  zoneConflict: {
    code: "FAILED_PRECONDITION",
    next: "Take the host out of its other zone first: novact aggregate remove-host.",
  },
  unreadableRow: {
    code: "FAILED_PRECONDITION",
    next: "Run the version that wrote it; or operators: the methods raw and discard of its noun.",
  },
  operationNotFound: { code: "NOT_FOUND", next: "List what there is: novact operation list." },
  markerNotFound: { code: "INVALID_ARGUMENT", next: "Start the list again, without a marker." },
  addressTaken: {
    code: "ALREADY_EXISTS",
    next: "Name another address or none, or look for who has it: novact port list.",
  },
  hostPortTaken: {
    code: "ALREADY_EXISTS",
    next: "Publish at another port: novact published-port list has yours.",
  },
  notPublishable: {
    code: "FAILED_PRECONDITION",
    next: "Put the instance on a network with a subnet of IPv4 that has a gateway: novact subnet create.",
  },
  notExternal: {
    code: "FAILED_PRECONDITION",
    next: "Name an external network: novact network list. Operators make one: novact network create --external.",
  },
  notRoutable: {
    code: "FAILED_PRECONDITION",
    next: "Name a subnet with a gateway on a network of the project, or a free port with one address.",
  },
  noRouter: {
    code: "FAILED_PRECONDITION",
    next: "Let a router lead from the port's subnet to that external network: novact router add-interface.",
  },
  subnetFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Delete ports that are not needed, or make another subnet of the network: novact subnet create.",
  },
  subnetOverlaps: {
    code: "ALREADY_EXISTS",
    next: "Choose a range apart from the network's other subnets: novact subnet list.",
  },
  requestIdReused: { code: "ALREADY_EXISTS", next: "Use a new request id for other content." },
  nameTaken: { code: "ALREADY_EXISTS", next: "Choose another name, or use the one that exists." },
  inUse: { code: "FAILED_PRECONDITION", next: "Delete or move away what uses it first." },
  notRunning: { code: "FAILED_PRECONDITION", next: "Start the instance first: novact instance start." },
  notPaused: { code: "FAILED_PRECONDITION", next: "The instance is not paused; nothing to resume." },
  building: { code: "FAILED_PRECONDITION", next: "Wait for the build to end, or delete the instance." },
  pausedNow: { code: "FAILED_PRECONDITION", next: "Unpause the instance first: novact instance unpause." },
  failedNow: { code: "FAILED_PRECONDITION", next: "Start the instance again, or delete it." },
  beingDeleted: { code: "FAILED_PRECONDITION", next: "Nothing: the instance is going." },
  instanceLocked: {
    code: "FAILED_PRECONDITION",
    next: "Unlock it first: novact instance unlock. A lock of the operators is lifted by an operator alone.",
  },
  metadataFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Remove pairs that nobody needs: novact instance set --metadata KEY=.",
  },
  interfacesFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Detach one that is not needed: novact instance interface detach.",
  },
  volumesFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Detach one that is not needed: novact volume detach.",
  },
  rootVolume: { code: "FAILED_PRECONDITION", next: "Delete the instance, which keeps its volume." },
  notPluggable: {
    code: "FAILED_PRECONDITION",
    next: "Do what the message says, or make an instance with all networks that it needs: novact instance create.",
  },
  limitNotKept: {
    code: "FAILED_PRECONDITION",
    next: "Detach the port first, or move the instance to a host that keeps limits: novact instance interface detach.",
  },
  operationUnderWay: {
    code: "ABORTED",
    next: "Wait until it has ended, then ask again: novact operation list.",
  },
  stopPending: { code: "FAILED_PRECONDITION", next: "Wait until the instance has stopped, or start it." },
  neverBuilt: {
    code: "FAILED_PRECONDITION",
    next: "The build failed; delete the instance and create another.",
  },
  noValidHost: {
    code: "RESOURCE_EXHAUSTED",
    next: "Ask why: novact instance explain, or novact instance create --dry-run. Add capacity, or take less.",
  },
  quotaExceeded: {
    code: "RESOURCE_EXHAUSTED",
    next: "Delete some, choose a smaller flavor, or ask an operator for more: novact quota show.",
  },
  storageFull: {
    code: "RESOURCE_EXHAUSTED",
    next: "Delete volumes and instances that are not needed, name another storage, or take less: novact volume list.",
  },
  groupRuleBroken: {
    code: "RESOURCE_EXHAUSTED",
    next: "Ask again, add hosts, or use a group with another rule: novact group show.",
  },
  tooManyRequests: {
    code: "RESOURCE_EXHAUSTED",
    next: "Ask more slowly, or fewer at once: try again after retryAfterMs.",
  },
  tooManyCommands: { code: "RESOURCE_EXHAUSTED", next: "Go on after retryAfterMs, with fewer commands." },
  tooManyWaits: {
    code: "RESOURCE_EXHAUSTED",
    next: "End other waits (watch, wait, a followed console), or try again after retryAfterMs.",
  },
  mailboxFull: { code: "RESOURCE_EXHAUSTED", next: "Try again after retryAfterMs." },
  commitQueueFull: { code: "RESOURCE_EXHAUSTED", next: "Try again after retryAfterMs." },
  generationConflict: { code: "ABORTED", next: "Read the resource again, then repeat the command." },
  eventsTrimmed: {
    code: "ABORTED",
    next: "Read what you watch again, then go on from the events that are kept.",
  },
  staleEpoch: { code: "FAILED_PRECONDITION", next: "Nothing: a newer owner of the instance exists." },
  staleGeneration: { code: "FAILED_PRECONDITION", next: "Nothing: a newer intent is known." },
  noResponders: {
    code: "UNAVAILABLE",
    next: "Nobody listens there. Is the cluster up (novact doctor), or does the project flood it?",
  },
  notConnected: { code: "UNAVAILABLE", next: "Is the NATS server up, and its URL right? novact doctor." },
  streamUnavailable: {
    code: "UNAVAILABLE",
    next: "JetStream takes no events; is it enabled, with room? event.list works without it.",
  },
  hostUnreachable: { code: "UNAVAILABLE", next: "The host does not answer: novact host list." },
  hostStopping: { code: "UNAVAILABLE", next: "The host is shutting down; try again after its return." },
  hostAlive: {
    code: "FAILED_PRECONDITION",
    next: "Switch the host off first: nothing of it may run when its guests start elsewhere. If it is off, wait some seconds.",
  },
  hostNotFenced: {
    code: "FAILED_PRECONDITION",
    next: "Wait until its lease has ended (novact host show), or see that it is off and say so: novact host fence.",
  },
  onNoHost: { code: "FAILED_PRECONDITION", next: "Ask why it is on none: novact instance explain." },
  hostAmbiguous: {
    code: "FAILED_PRECONDITION",
    next: "Say by its id which one is meant: novact host list.",
  },
  hostNameTaken: {
    code: "ALREADY_EXISTS",
    next: "Give the node another name in cluster.yaml. A host that is gone keeps its name only until it is silent.",
  },
  hostNotEmpty: {
    code: "FAILED_PRECONDITION",
    next: "Drain it first: novact host drain. Delete what cannot leave, or fence the host when it is lost.",
  },
  drainIncomplete: {
    code: "FAILED_PRECONDITION",
    next: "What stays says why: move, stop or delete it, or add a host with room; then drain again: novact host drain.",
  },
  hostFenced: {
    code: "FAILED_PRECONDITION",
    next: "Nothing: what was on the host starts elsewhere without it: novact operation list.",
  },
  confirmMismatch: {
    code: "INVALID_ARGUMENT",
    next: "Look which host is meant (novact host show), and give its name exactly as confirm.",
  },
  diskNotShared: {
    code: "FAILED_PRECONDITION",
    next: "Bring its host back, or delete the instance: no other host has its disk.",
  },
  powerControlMissing: {
    code: "FAILED_PRECONDITION",
    next: "Write the node's power in cluster.yaml, or see to it that the host is off and sign for it.",
  },
  powerControlRefused: {
    code: "FAILED_PRECONDITION",
    next: "Compare the node's power in cluster.yaml with its controller: user, passwordFile, system.",
  },
  powerControlUntrusted: {
    code: "FAILED_PRECONDITION",
    next: "Compare the certificate of the power controller with caFile or fingerprint in cluster.yaml.",
  },
  powerControlFailed: {
    code: "UNAVAILABLE",
    next: "The power controller cannot be reached; is it on, and its address right?",
  },
  powerNotOff: {
    code: "DEADLINE_EXCEEDED",
    next: "It was told, and is not proved to be off: look at the host, then try again.",
  },
  actorStopped: { code: "UNAVAILABLE", next: "Try again; the actor is loaded anew." },
  storeUnavailable: { code: "UNAVAILABLE", next: "PostgreSQL does not answer; try again." },
  shuttingDown: { code: "UNAVAILABLE", next: "Try again; another controller will answer." },
  consoleUnavailable: { code: "UNAVAILABLE", next: "The instance has no console log yet; try again." },
  deadlinePast: { code: "DEADLINE_EXCEEDED", next: "Ask with a longer timeout, and the same request id." },
  timeout: { code: "DEADLINE_EXCEEDED", next: "It may have been executed: repeat with the same request id." },
  operationTimeout: { code: "DEADLINE_EXCEEDED", next: "Look at its steps: novact operation show." },
  cancelled: { code: "ABORTED", next: "A later command replaced this one." },
  unauthenticated: {
    code: "UNAUTHENTICATED",
    next: "Give a project's user and password: nats/credentials of the cluster's state directory has them.",
  },
  adminOnly: { code: "PERMISSION_DENIED", next: "Ask an operator; the method is in the project admin." },
  projectMismatch: { code: "PERMISSION_DENIED", next: "Use your own project's token in the subject." },
  guestFailed: { code: "INTERNAL", next: "Look at the machine's failure and its host's log." },
  catalogueUnreadable: {
    code: "UNAVAILABLE",
    next: "Try again: a file goes on where it stopped. Does the server of the source answer?",
  },
  catalogueRefused: {
    code: "FAILED_PRECONDITION",
    next: "Correct the source in catalogue of cluster.yaml, or take another.",
  },
  imageNotBuilt: { code: "FAILED_PRECONDITION", next: "Do what the message says, then try again." },
  diskFull: { code: "RESOURCE_EXHAUSTED", next: "Free space on the file system that the message names." },
  toolFailed: {
    code: "UNAVAILABLE",
    next: "Try again: a tool of the server was killed, or had no memory; the detail is in its log.",
  },
  imageMissing: {
    code: "UNAVAILABLE",
    next: "Look whether the controllers run and have the image's file, and start the instance again.",
  },
  diskMissing: {
    code: "INTERNAL",
    next: "The disk to take over is not on the shared storage; is the right directory mounted on its host?",
  },
  storageUnknown: {
    code: "UNAVAILABLE",
    next: "Look at the host's log: its shared storage does not lock files, or does not answer.",
  },
  hypervisorRefused: { code: "INTERNAL", next: "Look at the failure's detail in the host's log." },
  crashLoop: { code: "INTERNAL", next: "The guest's process died again and again; look at the host's log." },
  internal: { code: "INTERNAL", next: "Report it, with the request id; the detail is in the log." },
} as const satisfies Record<string, { code: Code; next: string }>;

export type Reason = keyof typeof reasons;

export const isReason = (text: string): text is Reason => Object.hasOwn(reasons, text);
