/** The contracts of the drivers, which novact brings, in the worlds that this package brings. */
import { driverContracts } from "novact/contract";
import worlds from "./worlds.ts";

driverContracts(worlds);
