import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Custom search attributes, all Keyword: `temporal workflow list -q 'FailureClass="TemplateNotReady"'`. */
export const SEARCH_ATTRIBUTES = {
  campaignId: defineSearchAttributeKey('CampaignId', SearchAttributeType.KEYWORD),
  batchDate: defineSearchAttributeKey('BatchDate', SearchAttributeType.KEYWORD),
  variantKey: defineSearchAttributeKey('VariantKey', SearchAttributeType.KEYWORD),
  failureClass: defineSearchAttributeKey('FailureClass', SearchAttributeType.KEYWORD),
} as const;
