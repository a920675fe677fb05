#!/usr/bin/env node
/**
 * The command `novact`, from whatever directory it is called: in a checkout the CLI on the pinned Node and
 * from source, in the package on the Node that is there. Plain JavaScript, as bootstrap.mjs.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const argv = process.argv.slice(2);
const isCheckout = existsSync(new URL("cli/main.ts", import.meta.url));
if (isCheckout) {
  const { onPinnedNode } = await import("./bootstrap.mjs");
  await onPinnedNode(fileURLToPath(import.meta.url), argv);
} else refuseOldNode();
const { default: main } = await import(isCheckout ? "./cli/main.ts" : "../build/nodes/cli/main.js");
const code = await main(argv);
if (typeof code === "number") process.exitCode = code;

/** The SDK needs less, and a checkout brings its own; so `engines` of package.json cannot say this. */
function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 15)) return;
  console.error(`novact needs Node 22.15 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
