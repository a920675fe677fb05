import { routedPacketMutants } from "./mutants-routed-packets.ts";
import { routerMutants } from "./mutants-routers.ts";
import { tryMutants } from "./mutants-run.ts";
const names = process.argv.slice(2);
const all = [...routedPacketMutants, ...routerMutants].filter(({ name }) => names.length === 0 || names.includes(name));
await tryMutants(all, { seeds: 40, from: 1, jobs: 1, size: {}, signal: new AbortController().signal, say: (line) => console.log(line) });
