/** What a server's numbers mean (RFC 1813, 2.6 and appendix I; those of mounts are the same). Pure. */
import { NfsError, type NfsFault } from "./nfs.ts";

/** `later`: no answer about what was asked; a server says so while it begins, or its disks hang. */
const faults: Readonly<Record<number, NfsFault>> = {
  ...{ 1: "denied", 2: "missing", 5: "later", 13: "denied", 17: "exists", 28: "full", 30: "denied" },
  ...{ 66: "notEmpty", 69: "full", 70: "stale" },
  ...{ 10001: "stale", 10002: "notSync", 10003: "later", 10006: "later", 10008: "later" },
};

export const refusalOf = (asked: string, status: number): NfsError =>
  new NfsError(faults[status] ?? "other", `The server refuses ${asked} (${status}).${causes[status] ?? ""}`);

/** What an operator has to look at who has forgotten it. */
const causes: Readonly<Record<number, string>> = {
  13: " Its export must name this host, and Linux' server must have it as `insecure`: no port is below 1024.",
};
