/** How one service is, by what the Docker engine says of its container. */
export interface Verdict {
  readonly service: string;
  readonly state: "ready" | "waiting" | "failed";
  /** What the engine says, in words: `healthy`, `unhealthy: HTTP/1.1 503 …`, `ended with exit code 1`. */
  readonly reason: string;
  /** The container that was judged, if there is one. */
  readonly container?: string;
}
