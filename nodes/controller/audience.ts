/** The actors' half of a controller, as its safety channel sees it. It decides nothing. */
import { type ImageOffers, offerImage } from "../../actors/control/catalog/image-offers.ts";
import type { ImagePeers } from "../../actors/control/catalog/image-peers.ts";
import type { HostDirectory } from "../../actors/control/directory/directory.ts";
import { takeDeeds } from "../../actors/control/fleet/guarded.ts";
import type { FleetAudience } from "../../actors/control/fleet/link.ts";
import { remindOfMissing, take } from "../../actors/control/fleet/observations.ts";
import type { LeasePicture } from "../../actors/control/fleet/picture.ts";
import type { StrangeReports } from "../../actors/control/fleet/strange-reports.ts";
import type { InstanceRegistry } from "../../actors/control/instance/registry.ts";
import type { NetworkingNews } from "../../actors/control/networking/news.ts";
import type { Placer } from "../../actors/control/placement/placer.ts";
import type { CommitHint, Commits } from "../../actors/control/request/commits.ts";
import type { Waits } from "../../actors/control/request/waits.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { Clock } from "../../protocol/wire/transport.ts";

export interface AudienceParts {
  readonly directory: HostDirectory;
  readonly placer: Placer;
  readonly registry: InstanceRegistry;
  readonly commits: Commits;
  readonly waits: Waits;
  readonly leases: LeasePicture;
  readonly tell: (hint: CommitHint) => void;
  readonly strange: StrangeReports;
  readonly networkingNews: NetworkingNews;
  readonly images: ImageOffers | undefined;
  readonly imagePeers: Pick<ImagePeers, "heard">;
}

/** What the actors do with the news of the safety channel. */
export function audienceOf(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  parts: AudienceParts,
): FleetAudience {
  const { directory, placer, registry, commits, waits, leases, tell } = parts;
  const observers = { store, registry, strange: parts.strange };
  return {
    observed: async ({ hostId, machines, timeoutMs, ...said }) => {
      const report = { ...said, id: hostId, deadlineMs: clock.monotonicMs() + timeoutMs };
      const stored = await take(machines, report, observers);
      if (said.complete) await remindOfMissing(hostId, machines, observers);
      return stored;
    },
    guarded: async (report) => {
      await takeDeeds(report, { store, commit: commits.commit, clock, strange: parts.strange });
      return true;
    },
    networking: (pull) => parts.networkingNews.answer(pull),
    imageTicket: (question) => offerImage(question, { store, clock, images: parts.images }),
    heard: (hostId, { spaces, storages, imagePeer } = {}) => {
      directory.heard(hostId, spaces, storages);
      if (imagePeer !== undefined) parts.imagePeers.heard(hostId, imagePeer);
      placer.heard(hostId, spaces);
    },
    hostsChanged: async () => {
      await directory.refresh();
      placer.hostsChanged();
    },
    committed: (hint) => {
      waits.hint(hint);
      tell(hint);
    },
    cutOff: () => {
      directory.cutOff();
      placer.cutOff();
    },
    looked: (picture) => leases.looked(picture),
  };
}
