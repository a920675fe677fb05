/** Stands in for an agent that is to be killed: starts one container, says its process id, and waits. */
import { text } from "node:stream/consumers";
import { ContainerHypervisor } from "../src/hypervisor.ts";
import { silentLog } from "./world.ts";

const { host, spec, paths } = JSON.parse(await text(process.stdin));
const hypervisor = new ContainerHypervisor(host, {}, silentLog);
const { pid } = await hypervisor.start(spec, paths, new AbortController().signal);
process.stdout.write(String(pid));
setInterval(() => undefined, 1_000);
