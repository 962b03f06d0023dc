import {
  getRetryAfterHint,
  isThrottlingError,
  isTransientError,
  StandardRetryStrategy,
} from '@smithy/core/retry';

/** What failed, in the shape of the SDK's errors: both its retries and `answerOf` read that. */
export interface SdkLikeError extends Error {
  $metadata?: { httpStatusCode?: number; attempts?: number; clockSkewCorrected?: true };
  readonly $response?: { readonly statusCode: number; readonly headers: Record<string, string> };
}

/**
 * Repeats a request as the SDK's standard mode does: for the same errors, as often, and after the
 * same delay.
 */
export class Retries {
  readonly #strategy: StandardRetryStrategy;

  constructor(maxAttempts: number) {
    this.#strategy = new StandardRetryStrategy(maxAttempts);
  }

  async run<T>(attempt: () => Promise<T>): Promise<T> {
    let token = await this.#strategy.acquireInitialRetryToken('');
    for (let attempts = 1; ; attempts++) {
      try {
        const result = await attempt();
        this.#strategy.recordSuccess(token);
        return result;
      } catch (thrown) {
        const error = thrown as SdkLikeError;
        const next = await this.#wait(token, error);
        if (next === undefined) {
          error.$metadata = { ...error.$metadata, attempts };
          throw error;
        }
        token = next;
      }
    }
  }

  /** Waits until the request may be repeated; undefined when it may not. */
  async #wait(token: Token, error: SdkLikeError): Promise<Token | undefined> {
    const retryAfterHint = getRetryAfterHint(error.$response);
    try {
      return await this.#strategy.refreshRetryTokenForRetry(token, {
        errorType: errorType(error),
        ...(retryAfterHint !== undefined && { retryAfterHint }),
      });
    } catch {
      return undefined;
    }
  }
}

type Token = Awaited<ReturnType<StandardRetryStrategy['acquireInitialRetryToken']>>;

function errorType(error: SdkLikeError): 'THROTTLING' | 'TRANSIENT' | 'CLIENT_ERROR' {
  const sdkError = error as Parameters<typeof isThrottlingError>[0];
  if (isThrottlingError(sdkError)) return 'THROTTLING';
  return isTransientError(sdkError) ? 'TRANSIENT' : 'CLIENT_ERROR';
}
