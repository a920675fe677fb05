/**
 * The entry of the thread that alone touches a storage of volumes: it answers one question after the other,
 * by synchronous calls. While the storage hangs so does this thread, and no other: none of the few threads
 * that a process has for files waits with it. It must never be asked anything that takes as long as a copy.
 */
import { parentPort, workerData } from "node:worker_threads";
import { StatusError } from "../../../protocol/wire/status.ts";
import { makeOpenDirectories } from "../guest-directory.ts";
import { storageIdOf } from "../shared-storage/storage-id.ts";
import type { Answered, Asked, ThreadData, Verbs } from "./asked.ts";
import { VolumeDirectory } from "./directory.ts";

const port = parentPort;
if (port === null) throw new Error("This is the entry of a thread: open the driver instead.");
const { directory, overcommit, shared, newId } = workerData as ThreadData;

/** Makes what is missing, and is asked again until that succeeds: the storage may be mounted later. */
function openStorage(): { readonly storageId: string | null; readonly volumes: VolumeDirectory } {
  const root = makeOpenDirectories(directory, ["volumes"]);
  const storageId = shared ? storageIdOf(root, { next: () => newId }) : null;
  return { storageId, volumes: new VolumeDirectory(root, overcommit) };
}

let opened: ReturnType<typeof openStorage> | undefined;

function answer({ verb, given }: Asked): unknown {
  opened ??= openStorage();
  if (verb === "identify") return opened.storageId;
  const verbs: Verbs = opened.volumes;
  return Reflect.apply(verbs[verb], verbs, [...given]);
}

function say(asked: Asked): Answered {
  try {
    return { value: answer(asked) };
  } catch (error) {
    if (!(error instanceof StatusError)) return { failure: { message: String(error) } };
    const { reason, message, detail } = error;
    return { failure: { reason, message, ...(detail === undefined ? {} : { detail }) } };
  }
}

port.on("message", (asked: Asked) => port.postMessage(say(asked)));
