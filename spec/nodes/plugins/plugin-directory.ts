/** A directory with a cluster.yaml and packages of plug-ins in it, as an operator has one; for specs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class PluginDirectory {
  readonly path = mkdtempSync(join(tmpdir(), "novact-plugins-"));
  /** The path of cluster.yaml. */
  readonly file = join(this.path, "cluster.yaml");

  write(name: string, text: string): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Installs a package of one file; `manifest` adds to its package.json. */
  install(name: string, source: string, manifest: object = {}): void {
    const exported = { name, version: "1.2.3", type: "module", exports: "./index.js", ...manifest };
    this.write(`node_modules/${name}/package.json`, JSON.stringify(exported));
    this.write(`node_modules/${name}/index.js`, source);
  }

  /** Writes a cluster.yaml whose nodes need nothing of the computer. */
  configure(text: string): void {
    this.write("cluster.yaml", `${text}\nnodes: [{ name: a, hypervisor: fake }]\nstateDirectory: state\n`);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The source of a plug-in whose definition has these lines. */
export const pluginSource = (lines: string): string => `
import { definePlugin, efforts, Type } from "novact/plugin";
const refusal = () => ({ reason: "it is hot", remedy: "cool it" });
export default definePlugin({ name: "acme", api: 1, parts: () => ({}), ${lines} });
`;
