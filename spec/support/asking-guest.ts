/** A guest of a whole cluster that has no config drive, and asks the metadata service who it is. */
import type { Novact } from "../../nodes/sdk/sdk.ts";
import type { Instance } from "../../protocol/instance.ts";

/** Makes a guest on that network: the instance, and the lines that its console will have. */
export async function makeAskingGuest(
  api: Novact,
  network: string,
): Promise<{ instance: Instance; told: readonly string[] }> {
  const [name, hostname] = ["asker", "asker-host"];
  const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ann";
  const script = "#!/bin/sh\necho NOVACT-GUEST SCRIPT $(hostname) $(wc -l </root/.ssh/authorized_keys)\n";
  await api.keyPair.create({ name: "asker", publicKey });
  const { instance } = await api.instance.create({
    ...{ name, hostname, flavor: "tiny", image: "tiny", networks: [{ network }], wait: true },
    ...{ keyName: "asker", configDrive: false, userData: Buffer.from(script).toString("base64") },
  });
  const asked = `NOVACT-GUEST ASKED hostname=${hostname} keys=1 userdata=${script.length}`;
  return { instance, told: [asked, `NOVACT-GUEST SCRIPT ${hostname} 1`] };
}
