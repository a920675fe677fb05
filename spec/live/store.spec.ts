/**
 * The store on a real PostgreSQL: the same contract as in memory, and the same results for the same commits.
 */
import { openStore } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { storeContract } from "../support/store-contract.ts";
import { wallMs } from "../support/store-rows.ts";

storeContract("the PostgreSQL store", async (context) => {
  const url = await postgresUrl(context);
  const clock = { ...systemClock, nowMs: () => wallMs };
  return async () => openStore({ url, clock, log: silentLog });
});
