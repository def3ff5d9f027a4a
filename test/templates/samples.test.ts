import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/contracts/failures.ts';
import { compileParams } from '../../src/templates/params.ts';
import { sampleParams } from '../../src/templates/samples.ts';
import { loadTemplate } from '../../src/templates/template.ts';

const REFERRAL = resolve(import.meta.dirname, '../../templates/referral');

async function templateWith(properties: Record<string, unknown>, placeholder: Record<string, unknown>) {
  const paramsSchema = { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
  const validateParams = compileParams(paramsSchema, (what) => new Failure('TemplateInvalid', what));
  return { ...(await loadTemplate(REFERRAL)), paramsSchema, placeholder, example: placeholder, validateParams };
}

describe('samples', () => {
  test('of the referral story are valid, and differ from the placeholder and from each other in everything', async () => {
    const template = await loadTemplate(REFERRAL);
    const { samples, unvaried } = sampleParams(template, 4);
    expect(unvaried).toEqual([]);
    expect(new Set(samples.map((params) => JSON.stringify(params))).size).toBe(4);
    for (const params of samples) {
      expect(template.validateParams(params).ok).toBe(true);
      for (const [name, value] of Object.entries(template.placeholder)) expect(params[name]).not.toEqual(value);
    }
  });

  test('keep to the limits of the schema', async () => {
    const template = await templateWith(
      {
        short: { type: 'string', maxLength: 2 },
        share: { type: 'number', minimum: 0.1, maximum: 0.2 },
        tier: { enum: ['gold', 'silver'] },
        isNew: { type: 'boolean' },
      },
      { short: 'ab', share: 0.15, tier: 'gold', isNew: true },
    );
    const { samples, unvaried } = sampleParams(template, 3);
    expect(unvaried).toEqual([]);
    for (const params of samples) {
      expect(template.validateParams(params).ok).toBe(true);
      expect(params).toMatchObject({ tier: 'silver', isNew: false });
    }
  });

  test('say which param they cannot change', async () => {
    const template = await templateWith(
      { plan: { type: 'string', pattern: '^plan-\\d{9}$' }, name: { type: 'string' } },
      { plan: 'plan-123456789', name: 'x' },
    );
    expect(sampleParams(template, 2).unvaried).toEqual(['plan']);
    const other = { ...template, example: { plan: 'plan-000000000', name: 'y' } };
    expect(sampleParams(other, 2).unvaried).toEqual([]);
  });
});
