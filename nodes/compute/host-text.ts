/**
 * Texts of tools (a hypervisor's version, why there is no KVM) as a host may say them of itself. Controllers
 * refuse a registration with line ends, invisible characters or longer texts; what a tool prints must not
 * keep a host out.
 */
import { computeLimits } from "./limits.ts";

/** The text on one line, without control and format characters, cut to what controllers take. */
export const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .slice(0, computeLimits.hostTextLengthMax)
    .toWellFormed();
