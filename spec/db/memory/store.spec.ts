/** The store in memory passes the contract of every store. */
import { MemoryStore } from "../../../db/memory/store.ts";
import { storeContract } from "../../support/store-contract.ts";
import { wallMs } from "../../support/store-rows.ts";

storeContract("the memory store", async () => {
  const store = new MemoryStore({ nowMs: () => wallMs });
  return async () => store;
});
