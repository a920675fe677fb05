/** The store in memory passes the contract of every store. */

import { MemoryStore } from "../../../db/memory/store.ts";
import { storeContract } from "../../support/store-contract.ts";
import { rowsOf } from "../../support/store-resources.ts";
import { flavor, image, wallMs } from "../../support/store-rows.ts";

storeContract("the memory store", async () => {
  const store = new MemoryStore({ nowMs: () => wallMs });
  // What the instances of most tests are made of.
  await store.commit(rowsOf({ flavors: [flavor], images: [image] }));
  return async () => store;
});
