import type { Binaries } from "./binaries.ts";
import type { Exit } from "./process-group.ts";

export interface ControlPlaneOptions {
  readonly binaries?: Binaries;
  /** Told how obtaining the binaries proceeds; standard error by default, because the first time takes minutes. */
  readonly onProgress?: (line: string) => void;
  /** A server ended that nobody asked to end. Standard error by default. */
  readonly onUnexpectedExit?: (exit: Exit) => void;
  /** False for measurements in which writing the audit log would count. */
  readonly audit?: boolean;
  /** Controllers to run besides the usual ones, by their names in kube-controller-manager. */
  readonly controllers?: readonly string[];
  readonly apiServerArgs?: readonly string[];
  readonly etcdArgs?: readonly string[];
  readonly controllerManagerArgs?: readonly string[];
  /** Leaves the directory behind, for its logs. */
  readonly keep?: boolean;
  /** How long each server may take to become ready. */
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface TokenOptions {
  /** The API server allows no less than 600. */
  readonly expirationSeconds?: number;
  readonly audiences?: readonly string[];
}
