import { z } from "zod";

/** What goes wrong with one hostname at the edge or its origin. */
export const edgeFaultSchema = z.enum([
  /** Handshake ends in a fatal alert. */
  "tls-alert",
  /** The certificate of somebody else is served. */
  "other-certificate",
  "expired-certificate",
  /** Signed with another key. */
  "wrong-signature",
  /** Signed an hour ago. */
  "old-issue-time",
  /** Somebody else's nonce, rightly signed: a replay. */
  "replayed-nonce",
  /** One byte every 200 ms, for ever. */
  "slow-drip",
  /** 8 MiB instead of a few hundred bytes. */
  "huge-body",
  /** 302 to another site. */
  "redirect-elsewhere",
  "server-error",
  /** 200 with a page that is not the expected answer. */
  "foreign-page",
  /** Connection closed instead of an answer. */
  "drop",
]);

export type EdgeFault = z.infer<typeof edgeFaultSchema>;
