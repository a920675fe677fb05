/**
 * Chooses the networks of a cluster with one node as `up` does, or ends them: a program of its own, since the
 * devices are made where it runs. Arguments: the state directory, and `choose` or `end`. Prints the choices.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../nodes/config/config.ts";
import { chooseNetworks, endNetworks } from "../../nodes/up/own-networks.ts";

const [stateDirectory = "", verb] = process.argv.slice(2);
const file = join(stateDirectory, "cluster.yaml");
writeFileSync(file, `stateDirectory: ${stateDirectory}\nnodes: [{ name: node-1 }]\n`);
const config = loadConfig(file);
const said: string[] = [];
const say = (text: string) => void said.push(text);
if (verb === "end") await endNetworks(config, say);
const choices = verb === "end" ? [] : [...(await chooseNetworks(config, say)).choices.values()];
// What tried the computer may wait for its next turn.
process.stdout.write(JSON.stringify({ said, choices }), () => process.exit());
