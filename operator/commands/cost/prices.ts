/**
 * What S3 asks for, in dollars. https://aws.amazon.com/s3/pricing/ has the prices of today and of
 * other regions; `--price` replaces one of these.
 */
export const PRICES = {
  /** S3 Standard. */
  region: 'us-east-1',
  date: '2026-11',
  dollars: {
    /** 1,000 GET requests, whatever the answer is. */
    get: 0.0004,
    /** 1,000 PUT requests. */
    put: 0.005,
    /** 1,000 LIST requests. */
    list: 0.005,
    /** A GB stored for a month. */
    storage: 0.023,
    /** A GB that leaves the region to the internet. */
    transfer: 0.09,
  },
} as const;

export type PriceName = keyof typeof PRICES.dollars;
export type Prices = Readonly<Record<PriceName, number>>;
