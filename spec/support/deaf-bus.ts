/** A connection to a bus that does not bring its owner what it has published, as that of a controller. */
import type { Bus } from "../../protocol/wire/transport.ts";

const mark = "Spec-Sender";
let given = 0;

export function deafBus(bus: Bus): Bus {
  given += 1;
  const own = String(given);
  return {
    ...bus,
    publish: (subject, message) =>
      bus.publish(subject, { ...message, headers: { ...message.headers, [mark]: own } }),
    serve: (pattern, queue, handler, door) =>
      bus.serve(
        pattern,
        queue,
        async (subject, message) => (message.headers[mark] === own ? undefined : handler(subject, message)),
        door,
      ),
  };
}
