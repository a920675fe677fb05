/** Passes hosts whose processors run the image's instructions. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const architecture: RequestFilter = {
  name: "architecture",
  effort: efforts.another,
  prepare: ({ image }) => {
    const refuse: Refuse = (host) => ({
      reason: `the image is for ${image.architecture}, the host is ${host.architecture}`,
      remedy: `choose an image for ${host.architecture}`,
    });
    return (host) => host.architecture === image.architecture || refuse;
  },
};
