import type { AwsRequest, Service } from "./request.ts";

/** One request of the SDK as it went over the wire: a retry is another one. */
export interface LoggedCall {
  /** In order of arrival, from 1. */
  readonly number: number;
  readonly service: Service;
  readonly operation: string;
  readonly kind: "read" | "write";
  readonly region: string;
  /** Path and query. */
  readonly url: string;
  /** Absent as long as it is under way. */
  readonly durationMs?: number;
  /** `ok`, the name of the error, or `cut` when no reply was sent. */
  readonly outcome?: string;
  /** HTTP status of the reply; absent when none was sent. */
  readonly status?: number;
}

/** Everything that was called, in order of arrival. */
export class CallLog {
  #calls: LoggedCall[] = [];

  get calls(): readonly LoggedCall[] {
    return this.#calls;
  }

  /** Notes the call as under way; what is returned is to be told how it ended. */
  begin({ number, service, operation, kind, region, url }: AwsRequest): (end: End) => void {
    const startedMs = performance.now();
    const call = { number, service, operation, kind, region, url };
    // One that ends after a reset is none of the new log's.
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
