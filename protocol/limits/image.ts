/** Limits of images that several rooms must agree on. They are never configured. */
export const imageLimits = {
  /** Images of one project, unless its quota says otherwise. */
  imagesPerProjectMax: 1_000,
  /** Projects that an image is shared with. Source: Glance's image_member_quota. */
  membersPerImageMax: 128,
  /** Servers that a host is told of, from which it may get an image. */
  imageOriginsMax: 16,
} as const;
