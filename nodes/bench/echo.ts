/**
 * A process that answers every message with the same message: the cost of one NATS round trip without novact.
 */
import { connect } from "nats";

const [url = "", user = "", pass = "", subject = ""] = process.argv.slice(2);
const connection = await connect({ servers: url, user, pass });
connection.subscribe(subject, {
  callback: (_error, message) => {
    message.respond(message.data);
  },
});
await connection.flush();
process.send?.("ready");
process.on("disconnect", () => process.exit(0));
