import type { AwsRequest, Service } from "./request.ts";

/** One HTTP request of the SDK. Each retry is a separate one. */
export interface LoggedCall {
  /** In order of arrival, from 1. */
  readonly number: number;
  readonly service: Service;
  readonly operation: string;
  readonly kind: "read" | "write";
  readonly region: string;
  /** Path and query. */
  readonly url: string;
  /** Absent while the request is under way. */
  readonly durationMs?: number;
  /** `ok`, the name of the error, or `cut` when no reply was sent. */
  readonly outcome?: string;
  /** HTTP status of the reply; absent when none was sent. */
  readonly status?: number;
}

/** All requests, in order of arrival. */
export class CallLog {
  #calls: LoggedCall[] = [];

  get calls(): readonly LoggedCall[] {
    return this.#calls;
  }

  /** Records that the call is under way. Call the returned function with the call's end. */
  begin({ number, service, operation, kind, region, url }: AwsRequest): (end: End) => void {
    const startedMs = performance.now();
    const call = { number, service, operation, kind, region, url };
    // A call that ends after a reset doesn't belong to the new log.
    const calls = this.#calls;
    const index = calls.push(call) - 1;
    return (end) => {
      calls[index] = { ...call, ...end, durationMs: performance.now() - startedMs };
    };
  }

  clear(): void {
    this.#calls = [];
  }
}

type End = Pick<LoggedCall, "outcome" | "status">;
