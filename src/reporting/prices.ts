/** What computing, storing and sending cost: the one place of prices, for reports and for estimates. */

import { z } from 'zod';

const price = z.number().min(0);

export const pricesSchema = z.object({
  /** Whose prices they are, in words. */
  region: z.string().min(1).max(100),
  /** ISO 4217, for example `USD`. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters such as USD'),
  /** Where they were read, and when. */
  source: z.string().min(1).max(500),
  /** Of an hour of one virtual processor. */
  vcpuHour: price,
  /** Of 2^30 bytes that lie there for a month. */
  gbMonth: price,
  /** Of 1,000 requests. */
  requests: z.object({ put: price, get: price, head: price, list: price }),
  /** Of 2^30 bytes that viewers are sent. */
  egressGb: price,
});

export type Prices = Readonly<z.infer<typeof pricesSchema>>;

/**
 * List prices of AWS in us-east-1, without discounts and free allowances: EC2 c7i.large, Linux, on demand, $0.08925 an hour for two vCPUs
 * (https://aws.amazon.com/ec2/pricing/on-demand/); S3 Standard, first 50 TB, and transfer to the internet, first 10 TB
 * (https://aws.amazon.com/s3/pricing/). As they were in 2025: prices move, so compare them with a bill of your own.
 */
export const DEFAULT_PRICES: Prices = {
  region: 'AWS us-east-1',
  currency: 'USD',
  source: 'list prices of EC2 c7i.large and S3 Standard, 2025',
  vcpuHour: 0.0446,
  gbMonth: 0.023,
  requests: { put: 0.005, get: 0.0004, head: 0.0004, list: 0.005 },
  egressGb: 0.09,
};

export const GB = 2 ** 30;

/** What others have published of such nights, to compare with: for a video of 12 s, and for a night of 5,000. */
export const PUBLISHED = {
  currency: 'USD',
  videoSeconds: 12,
  computePerVariant: 0.004,
  bandwidthPerVariant: 0.00026,
  nightOf5000: 23,
} as const;
