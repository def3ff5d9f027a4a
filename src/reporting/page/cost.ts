import { count, decimal, duration, money, price, seconds, sizeText, utc } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BatchReport } from '../report-json.ts';
import { measured, shown, table } from './shown.ts';

/** What the night cost, in all and for each video, beside what was expected and what others have published. */
export function cost({ cost: all }: BatchReport): Html {
  if (all === null) return html``;
  const { prices, compute, storage, requests, egress, night, perVariant, estimate, published } = all;
  const own = (field: string, amount: number | null): Html =>
    measured(`cost.${field}`, amount, (value) => money(value, prices.currency));
  const theirs = (field: 'computePerVariant' | 'bandwidthPerVariant'): Html =>
    shown(`cost.published.${field}`, price(published[field], published.currency));
  const rows = [
    [
      'Compute',
      own('compute.money', compute.money),
      own('compute.moneyPerVariant', compute.moneyPerVariant),
      theirs('computePerVariant'),
    ],
    ...(estimate === null
      ? []
      : [
          [
            html`Compute, as estimated on <time>${utc(estimate.at)}</time> for ${shown('cost.estimate.variants', count(estimate.variants))} videos`,
            own('estimate.money', estimate.money),
            estimate.moneyPerVariant === null ? '–' : own('estimate.moneyPerVariant', estimate.moneyPerVariant),
            '',
          ],
        ]),
    [
      'Storage for a month',
      own('storage.moneyPerMonth', storage.moneyPerMonth),
      own('storage.moneyPerMonthPerVariant', storage.moneyPerMonthPerVariant),
      '',
    ],
    [
      'Requests to the bucket',
      own('requests.money', requests.money),
      requests.moneyPerVariant === null ? '–' : own('requests.moneyPerVariant', requests.moneyPerVariant),
      '',
    ],
    ['Together', own('night', night), perVariant === null && night !== null ? '–' : own('perVariant', perVariant), ''],
    [
      'Sent to a viewer, each time: an estimate',
      '',
      own('egress.moneyPerView', egress.moneyPerView),
      theirs('bandwidthPerVariant'),
    ],
  ];
  return html`<section>
<h2>Cost</h2>
${table({ caption: 'Cost of the night', head: ['', 'This night', 'A video', 'Published'], rows })}
<p class="quiet">Processor time: ${measured('cost.compute.cpuSeconds', compute.cpuSeconds, duration)}${
    compute.cpuSecondsPerVariant === null
      ? null
      : html`, ${shown('cost.compute.cpuSecondsPerVariant', seconds(compute.cpuSecondsPerVariant * 1_000))} a video`
  }${
    estimate === null || estimate.cpuSecondsPerVariant === null
      ? null
      : html` (estimated: ${shown('cost.estimate.cpuSecondsPerVariant', seconds(estimate.cpuSecondsPerVariant * 1_000))})`
  }, of ${shown('cost.measured', count(all.measured))} of ${shown('cost.rendered', count(all.rendered))} renders. Attempts that failed, planning, and machines that wait are not in it${
    all.sharedScenes === 0
      ? null
      : all.scenes === null
        ? html`, nor is the rendering of ${shown('cost.sharedScenes', count(all.sharedScenes))} scenes that several videos share: nobody measured it`
        : html`. ${shown('cost.scenes.measured', count(all.scenes.measured))} of ${shown('cost.scenes.rendered', count(all.scenes.rendered))} scenes that several videos share are in it, with ${shown('cost.scenes.cpuMs', duration(all.scenes.cpuMs / 1_000))}`
  }. Stored: ${measured('cost.storage.bytes', storage.bytes, sizeText)}. Requests, as counted from the plan: ${shown('cost.requests.put', count(requests.put))} PUT, ${shown('cost.requests.get', count(requests.get))} GET, ${shown('cost.requests.head', count(requests.head))} HEAD, ${shown('cost.requests.list', count(requests.list))} LIST.</p>
<p class="quiet">At ${shown('cost.prices.vcpuHour', price(prices.vcpuHour, prices.currency))} an hour of a processor, ${shown('cost.prices.gbMonth', price(prices.gbMonth, prices.currency))} a GB and month, ${shown('cost.prices.egressGb', price(prices.egressGb, prices.currency))} a GB sent: <span class="source">${prices.region}, ${prices.source}</span>. Published for videos of ${shown('cost.published.videoSeconds', decimal(published.videoSeconds))} seconds: ${shown('cost.published.nightOf5000', money(published.nightOf5000, published.currency))} for a night of five thousand.</p>
</section>`;
}
