/** What computing, storing and sending cost: the one place of prices, for reports and for estimates. */

import { z } from 'zod';

const price = z.number().min(0);

export const pricesSchema = z.object({
  region: z.string().min(1).max(100).describe('Whose prices they are, in words.'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters such as USD')
    .describe('ISO 4217, for example `USD`.'),
  source: z.string().min(1).max(500).describe('Where they were read, and when.'),
  vcpuHour: price.describe('Of an hour of one virtual processor.'),
  gbMonth: price.describe('Of 2^30 bytes that lie there for a month.'),
  requests: z
    .object({
      put: price.describe('Of 1,000 PUT requests.'),
      get: price.describe('Of 1,000 GET requests.'),
      head: price.describe('Of 1,000 HEAD requests.'),
      list: price.describe('Of 1,000 LIST requests.'),
    })
    .describe('What the bucket takes for requests.'),
  egressGb: price.describe('Of 2^30 bytes that viewers are sent.'),
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
