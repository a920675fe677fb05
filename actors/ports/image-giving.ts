/**
 * The images that a host gives to other hosts. Who may have one is judged by controllers, before they ask.
 */
import type { ImageOffer, ImagePeer } from "../../protocol/image-peer.ts";

export interface ImageGiving {
  /** As of a moment ago. Waits for nothing. */
  told(): ImagePeer;
  /**
   * What opens the way to an image, for a host, for a while. @throws NOT_FOUND notFound: it is not here
   * (any more); RESOURCE_EXHAUSTED tooManyRequests: it is given to as many as it may be
   */
  offer(asked: { readonly sha256: string; readonly who: string }): Promise<ImageOffer>;
}
