/** The event stream in memory passes the contract of every event stream. */
import { eventStreamContract } from "../support/event-stream-contract.ts";
import { createMemoryEventStream } from "../support/memory-event-stream.ts";

eventStreamContract("in memory", async () => {
  const stream = createMemoryEventStream();
  return {
    connect: () => stream.connect(),
    read: async () => stream.events,
    wipe: async () => stream.wipe(),
  };
});
