/** What a fault is for; what is left out matches every request. */
export interface FaultMatch {
  readonly method?: string;
  /** A whole key, or an expression. */
  readonly key?: string | RegExp;
  /** The whole query, for example `lifecycle=`. */
  readonly query?: RegExp;
  readonly body?: RegExp;
  readonly accessKeyId?: string;
}

/** What faults are compared with. */
export interface FaultSubject {
  readonly method: string;
  readonly key: string;
  readonly query: string;
  readonly body: Buffer;
  readonly accessKeyId: string;
}

export type Fault =
  /** Refuses before anything is looked at; by default 503 SlowDown. */
  | {
      readonly kind: 'status';
      readonly status?: number;
      readonly code?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Ends the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Carries out the request, then ends the connection without an answer. */
  | { readonly kind: 'reset-after' }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Carries out the request, and never answers. */
  | { readonly kind: 'hang-after' }
  /** Waits, then answers as usual. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Sends the headers and the first half of the body, then ends the connection. */
  | { readonly kind: 'cut-body' }
  /** Sends the headers and the first half of the body, then nothing more. */
  | { readonly kind: 'hang-body' }
  /** Sends the headers, then the body byte by byte, without end. */
  | { readonly kind: 'trickle-body'; readonly everyMs: number }
  /** Announces no length and sends bytes until the connection ends. */
  | { readonly kind: 'endless-body' }
  /** Answers as usual, with these headers instead of its own. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Sends another body under the ETag of the right one. */
  | { readonly kind: 'replace-body'; readonly replace: (body: Buffer) => Buffer };

export type FaultRule = Fault & {
  readonly match?: FaultMatch;
  /** How many requests it hits; by default all until `clear()`. */
  readonly times?: number;
};

export interface Faults {
  add(rule: FaultRule): void;
  clear(): void;
}

interface ActiveRule {
  readonly rule: FaultRule;
  left: number;
}

export class FaultList implements Faults {
  #active: ActiveRule[] = [];

  add(rule: FaultRule): void {
    this.#active.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#active = [];
  }

  /** The first fault for that request, used up by one. */
  take(request: FaultSubject): Fault | undefined {
    const hit = this.#active.find(
      ({ rule: { match = {} }, left }) =>
        left > 0 &&
        (match.method === undefined || match.method === request.method) &&
        (match.accessKeyId === undefined || match.accessKeyId === request.accessKeyId) &&
        (match.query === undefined || match.query.test(request.query)) &&
        (match.body === undefined || match.body.test(request.body.toString())) &&
        (match.key === undefined || keyMatches(match.key, request.key)),
    );
    if (hit !== undefined) hit.left -= 1;
    return hit?.rule;
  }
}

function keyMatches(wanted: string | RegExp, key: string): boolean {
  return typeof wanted === 'string' ? wanted === key : wanted.test(key);
}
