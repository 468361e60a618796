/** The state of one service, from what the Docker engine says about its container. */
export interface Verdict {
  readonly service: string;
  readonly state: "ready" | "waiting" | "failed";
  /** The engine's state in words: `healthy`, `unhealthy: HTTP/1.1 503 …`, `ended with exit code 1`. */
  readonly reason: string;
  /** True when the container has ended, or ends again and again, as it may. */
  readonly ended?: boolean;
  /** True when the container runs, and no health check says whether it works. */
  readonly unproven?: boolean;
  /** True when the container has started, and may become ready by itself. */
  readonly starting?: boolean;
  /** The container that was judged, if there is one. */
  readonly container?: string;
}
