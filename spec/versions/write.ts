/**
 * Writes down the message schemas of a version that is released now: protocol/versions/<next>.json. Run it as
 * `node spec/versions/write.ts`, commit the file, and never change it.
 */
import { writeFileSync } from "node:fs";
import { allServices } from "../support/all-services.ts";
import { snapshotFile, snapshotOf, snapshotText, snapshotVersions } from "./snapshot.ts";

const version = (snapshotVersions().at(-1) ?? 0) + 1;
writeFileSync(snapshotFile(version), snapshotText(snapshotOf(allServices)), { flag: "wx" });
process.stdout.write(`${snapshotFile(version)} is written.\n`);
