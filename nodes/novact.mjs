#!/usr/bin/env node
/**
 * The command `novact`: the CLI on the pinned Node, from whatever directory it is called. Plain JavaScript,
 * as bootstrap.mjs.
 */
import { fileURLToPath } from "node:url";
import { onPinnedNode } from "./bootstrap.mjs";

const argv = process.argv.slice(2);
await onPinnedNode(fileURLToPath(import.meta.url), argv);
const { default: main } = await import("./cli/main.ts");
const code = await main(argv);
if (typeof code === "number") process.exitCode = code;
