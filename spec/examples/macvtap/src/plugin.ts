/** The plug-in: a network whose ports are macvtaps on devices of the operator's. */
import { join } from "node:path";
import { definePlugin, type NetworkDriver, Type } from "novact/plugin";
import { LinuxKernel } from "./linux.ts";
import { MacvtapNetwork } from "./network.ts";
import { macvtapOptions } from "./options.ts";
import { PictureFile } from "./picture-file.ts";

/** Of all hosts of the computer, each with a directory of its own. */
const files = "/dev/novact-macvtap";

export const macvtap: NetworkDriver<typeof macvtapOptions> = {
  options: macvtapOptions,
  open: ({ hostId, stateDirectory, clock, log }, options) =>
    new MacvtapNetwork({
      ...{ hostId, options, clock, log },
      kernel: new LinuxKernel(join(files, hostId)),
      picture: new PictureFile(join(stateDirectory, "macvtap"), log),
    }),
};

export default definePlugin({
  name: "macvtap",
  api: 1,
  options: Type.Object({}, { additionalProperties: false }),
  parts: () => ({ networks: { macvtap } }),
});
